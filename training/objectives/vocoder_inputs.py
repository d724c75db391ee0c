"""The vocoder's training input in stage 2: true images, and images that the decoder makes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from model.config import ModelConfig
from model.features import LogMelImage
from model.instrument import Instrument, reconstruct
from training.support.precision import exact_features
from training.support.processes import draw_for_items


@dataclass(frozen=True)
class VocoderBatch:
    """A few frames of each clip's image, (B, 3, M, N), and the target samples with their context,
    (B, N hop + context)."""

    image: Tensor
    audio: Tensor


class VocoderInputs(nn.Module):
    """Crops of clips; ``decoded_share`` of them go through the frozen autoencoder."""

    def __init__(
        self,
        config: ModelConfig,
        autoencoder: Instrument | None,
        decoded_share: float,
        crop_frames: int,
    ) -> None:
        super().__init__()
        self.config = config
        self.features = LogMelImage(config.features)
        self.decoded_share = decoded_share
        self.crop_frames = min(crop_frames, config.clip_frames)
        # In a list, so that its weights are not among this module's own.
        self._autoencoder = [autoencoder] if autoencoder else []
        for model in self._autoencoder:
            model.encoder.eval().requires_grad_(False)
            model.decoder.eval().requires_grad_(False)

    @torch.no_grad()
    def forward(self, audio: Tensor) -> VocoderBatch:
        """Cut a few frames out of each clip (B, T).

        The encoder needs whole clips; the vocoder learns more from many short ones.
        """
        crop = draw_crop(self.config, self.crop_frames)
        cropped = audio[:, crop.samples]
        image = exact_features(self.features, cropped)
        # Drawn on the CPU: reading the choice back from a GPU would wait for it.
        chosen = draw_for_items(torch.rand, len(audio)) < self.decoded_share
        if self._autoencoder and chosen.any():
            which = chosen.nonzero()[:, 0].to(audio.device, non_blocking=True)
            decoded = reconstruct(self._autoencoder[0], exact_features(self.features, audio[which]))
            image[which] = decoded[..., crop.frames].to(image.dtype)
        return VocoderBatch(image, cropped)


@dataclass(frozen=True)
class Crop:
    """Some frames of a clip, and the samples that make them."""

    frames: slice
    samples: slice


def draw_crop(config: ModelConfig, frames: int) -> Crop:
    """Draw ``frames`` frames at a random place, the same for every clip."""
    hop, context = config.features.hop_samples, config.features.context_samples
    first = int(torch.randint(config.clip_frames - frames + 1, ()))
    last = first + frames
    return Crop(slice(first, last), slice(first * hop, last * hop + context))
