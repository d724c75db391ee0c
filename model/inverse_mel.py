"""Mel bins spread back over DFT bins: the starting point of the vocoder's magnitudes."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from model.config import ModelConfig
from model.features import mel_filters


class InverseMel(nn.Module):
    """Log-mel image to log magnitudes of the vocoder's spectra, (B, 3, M, N) -> (B, F, N).

    Reads the image's channel that has the vocoder's window. Each mel bin's mean level goes back to
    the DFT bins it was gathered from, with a filter bank A (F, M)::

        magnitude[k] = sum over m of A[k, m] level[m] / sum over m of A[k, m]
        level[m] = mel[m] / sum over k of A[k, m]

    Without any training this gave a spectral distance of 1.02 on eight held-out clips;
    Griffin-Lim gives 0.98 (training/EXPERIMENTS.md).
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        window_samples = config.vocoder.window_samples
        self.channel = config.features.window_samples.index(window_samples)
        self.floor_db = config.features.floor_db
        filters = mel_filters(config.features, window_samples)
        spread = filters / filters.sum(dim=0, keepdim=True)
        weight = filters.sum(dim=1, keepdim=True)
        matrix = torch.where(weight > 0, spread / weight.clamp(min=1e-6), 0.0)
        # A Hann window of W samples sums to W/2; the image reads a sine's amplitude, not its sum.
        self.register_buffer("matrix", matrix.T * (window_samples / 4), persistent=False)
        self.matrix: Tensor

    def forward(self, image: Tensor) -> Tensor:
        """(B, 3, M, N) -> natural logarithm of magnitudes (B, F, N)."""
        channel = image[:, self.channel].clamp(-1.0, LOUDEST)
        level_db = (1 - channel) * (self.floor_db / 2)
        mel = torch.exp(level_db * (math.log(10) / 20))
        return torch.log(mel.transpose(1, 2) @ self.matrix + SILENCE).transpose(1, 2)


LOUDEST = 1.15
"""Image value of a full-scale sine in a wide mel band; decoded values may be higher."""

SILENCE = 1e-4
"""Magnitude of a bin that no mel filter reaches: 128 dB below a full-scale sine."""
