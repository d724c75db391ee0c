"""Encoder: log-mel image to the two latents, style, which stays, and structure, which changes."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torchvision.models import ResNet34_Weights
from torchvision.models.resnet import BasicBlock

from model.config import ModelConfig
from model.phase_code import phase_code

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Latents:
    """Style mean and log-variance, each (B, D); structure (B, S, K)."""

    style_mean: Tensor
    style_log_variance: Tensor
    structure: Tensor


class ResNetTrunk(nn.Module):
    """torchvision's ResNet34 up to its third stage, (B, 3, M, N) -> (B, W, M/4, K).

    The names and, with the widths 64, 128, 256, the shapes are torchvision's, so ImageNet weights
    load as they are; only strides differ, and strides have no weights. Time keeps a tick every few
    frames, frequency a quarter of the mel bins: with more pooling, pitch is lost.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        encoder = config.encoder
        first = encoder.widths[0]
        self.conv1 = nn.Conv2d(
            3, first, 7, stride=(2, encoder.stem_time_stride), padding=3, bias=False
        )
        self.bn1 = nn.BatchNorm2d(first)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=(2, encoder.pool_time_stride), padding=1)
        self.layer1, self.layer2, self.layer3 = (
            _stage(inputs, outputs, depth)
            for inputs, outputs, depth in zip(
                (first, *encoder.widths[:-1]), encoder.widths, encoder.depths, strict=True
            )
        )

    def forward(self, image: Tensor) -> Tensor:
        """(B, 3, M, N) -> (B, W, M/4, K)."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(image))))
        features: Tensor = self.layer3(self.layer2(self.layer1(x)))
        return features

    def load_imagenet(self) -> None:
        """Load torchvision's ImageNet weights of ResNet34, if they can be fetched and fit."""
        try:
            weights = ResNet34_Weights.IMAGENET1K_V1.get_state_dict(progress=True)
            self.load_state_dict({name: weights[name] for name in self.state_dict()})
        except (OSError, RuntimeError) as error:
            logger.warning("training from scratch, no ImageNet weights: %s", error)


def _stage(inputs: int, outputs: int, depth: int) -> nn.Sequential:
    """Residual blocks with stride 1; the first widens (torchvision's ``downsample`` branch)."""
    widen = None
    if inputs != outputs:
        widen = nn.Sequential(nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs))
    blocks = [BasicBlock(inputs, outputs, downsample=widen)]
    blocks += [BasicBlock(outputs, outputs) for _ in range(depth - 1)]
    return nn.Sequential(*blocks)


class StyleHead(nn.Module):
    """Features to style: bidirectional LSTM over ticks, averaged, to mean and log-variance."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        encoder = config.encoder
        self.squeeze = nn.Conv2d(encoder.widths[-1], STYLE_CHANNELS, 1)
        self.lstm = nn.LSTM(
            STYLE_CHANNELS * config.bands,
            encoder.lstm_units,
            batch_first=True,
            bidirectional=True,
        )
        self.mean = nn.Linear(2 * encoder.lstm_units, encoder.style_dims)
        self.log_variance = nn.Linear(2 * encoder.lstm_units, encoder.style_dims)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """(B, W, bands, K) -> mean (B, D), log-variance (B, D)."""
        ticks, _ = self.lstm(self.squeeze(features).flatten(1, 2).transpose(1, 2))
        clip = ticks.mean(dim=1)
        return self.mean(clip), self.log_variance(clip).clamp(-8.0, 4.0)


class StructureHead(nn.Module):
    """Features to structure: a 1x1 convolution to a small time-frequency map."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.map = nn.Conv2d(config.encoder.widths[-1], config.encoder.structure_channels, 1)

    def forward(self, features: Tensor) -> Tensor:
        """(B, W, bands, K) -> (B, S, K)."""
        return self.map(features).flatten(1, 2)


class PhaseCodeHead(nn.Module):
    """The preset ``seed``'s replacement for structure: a code of the position in the clip."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.register_buffer("code", phase_code(config.clip_ticks), persistent=False)
        self.code: Tensor

    def forward(self, features: Tensor) -> Tensor:
        """(B, W, bands, K) -> (B, S, K), the same for every clip."""
        return self.code.expand(features.shape[0], -1, -1)


class Encoder(nn.Module):
    """The CRNN: (B, 3, M, N) -> ``Latents``."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.trunk = ResNetTrunk(config)
        self.style = StyleHead(config)
        head = StructureHead if config.has_structure else PhaseCodeHead
        self.structure = head(config)

    def forward(self, image: Tensor) -> Latents:
        """(B, 3, M, N) -> style mean and log-variance (B, D), structure (B, S, K)."""
        features = self.trunk(image)
        mean, log_variance = self.style(features)
        return Latents(mean, log_variance, self.structure(features))


def sample_style(latents: Latents, noise: Tensor) -> Tensor:
    """Draw a style (B, D) from the posterior by ``noise``, standard normal (B, D).

    Reparameterised (arXiv 1312.6114).
    """
    return latents.style_mean + torch.exp(0.5 * latents.style_log_variance) * noise


STYLE_CHANNELS = 16
"""Channels that features are reduced to before they are flattened over frequency."""
