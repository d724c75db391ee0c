"""The image that the encoder reads and the decoder makes: three log-mel spectrograms, stacked."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torchaudio.functional import melscale_fbanks

from model.config import FeatureConfig
from model.dft import MagnitudeDFT


class LogMelImage(nn.Module):
    """Audio to log-mel image, (B, T) -> (B, 3, M, N), values -1 (floor) to 1 (full scale).

    Every window is centred on its frame, and nothing is padded: the caller gives
    ``context_samples`` more samples than the frames have, half of them on each side::

        samples   |.. context/2 ..|  hop  |  hop  |  hop  |.. context/2 ..|
        frame 0   |<------ longest window ------->|
        frame 1           |<------ longest window ------->|

    so N = (T - context_samples) / hop_samples. Magnitudes are scaled so that a full-scale sine
    reads 0 dB at its bin, and up to 6 dB in a mel band as wide as the window's main lobe; mel
    filters are torchaudio's (Slaney scale, unnormalised triangles).
    """

    def __init__(self, config: FeatureConfig) -> None:
        super().__init__()
        self.config = config
        self.scales = nn.ModuleList(_LogMel(config, window) for window in config.window_samples)

    def forward(self, audio: Tensor) -> Tensor:
        """(B, T) -> (B, 3, M, N)."""
        return torch.stack([scale(audio) for scale in self.scales], dim=1)


class _LogMel(nn.Module):
    """One of the three spectrograms, (B, T) -> (B, M, N)."""

    def __init__(self, config: FeatureConfig, window_samples: int) -> None:
        super().__init__()
        self.hop_samples = config.hop_samples
        self.window_samples = window_samples
        self.margin = (max(config.window_samples) - window_samples) // 2
        self.floor_db = config.floor_db
        self.dft = MagnitudeDFT(window_samples)
        window = torch.hann_window(window_samples)
        self.window: Tensor
        self.filters: Tensor
        self.register_buffer("window", window * 2 / window.sum(), persistent=False)
        self.register_buffer("filters", mel_filters(config, window_samples), persistent=False)

    def forward(self, audio: Tensor) -> Tensor:
        """(B, T) -> (B, M, N)."""
        centred = audio[:, self.margin : audio.shape[1] - self.margin]
        frames = centred.unfold(1, self.window_samples, self.hop_samples)
        mel = self.dft(frames * self.window) @ self.filters
        floor = 10 ** (self.floor_db / 20)
        level_db = torch.log(mel.clamp(min=floor)) * (20 / math.log(10))
        return (1 - 2 * level_db / self.floor_db).transpose(1, 2)


def mel_filters(config: FeatureConfig, window_samples: int) -> Tensor:
    """Triangular filters from DFT bins to mel bins, (window/2+1, M)."""
    return melscale_fbanks(
        window_samples // 2 + 1,
        config.lowest_hz,
        config.top_hz,
        config.mel_bins,
        config.sample_rate_hz,
        norm=None,
        mel_scale="slaney",
    )


def frame_levels(image: Tensor) -> Tensor:
    """Log power of frames in image units, (B, 3, M, N) -> (B, 3, N)."""
    return torch.logsumexp(image * NEPERS_PER_UNIT, dim=2) / NEPERS_PER_UNIT


NEPERS_PER_UNIT = 4 * math.log(10)
"""Natural logarithm of power for one unit of an image, which is 40 dB at a floor of -80 dB."""
