"""Discriminators that tell decoded sound from real sound.

Two kinds, as in UnivNet (arXiv 2106.07889): the sound folded to several periods (from HiFi-GAN,
arXiv 2010.05646) and its magnitude spectra at several resolutions. Not complex spectra: phases are
summed up from advances, which have their own loss.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import weight_norm


@dataclass(frozen=True)
class Judgement:
    """One discriminator's output: ``score``, high for real sound, and the layers before it."""

    score: Tensor
    features: tuple[Tensor, ...]


class Discriminators(nn.Module):
    """All discriminators, (B, T) -> one ``Judgement`` each.

    ``width`` is the number of channels of their first layers. On two CPU cores, 16 cost about as
    much as a step of stage 2; a GPU affords the papers' 32.
    """

    def __init__(
        self,
        width: int = 16,
        periods: tuple[int, ...] = (2, 3, 5, 7, 11),
        windows: tuple[int, ...] = (512, 1024, 2048),
    ) -> None:
        super().__init__()
        by_period = [PeriodDiscriminator(period, width) for period in periods]
        by_window = [ResolutionDiscriminator(window, width) for window in windows]
        # Resume files hold the weights by this name.
        self.listeners = nn.ModuleList([*by_period, *by_window])

    def forward(self, sound: Tensor) -> list[Judgement]:
        """(B, T) -> one judgement per period and per window."""
        return [discriminator(sound) for discriminator in self.listeners]


class PeriodDiscriminator(nn.Module):
    """2-D convolutions over sound folded so that every ``period``-th sample is in one column."""

    def __init__(self, period: int, width: int) -> None:
        super().__init__()
        self.period = period
        widths = (1, width, 2 * width, 4 * width, 8 * width)
        self.layers = nn.ModuleList(
            weight_norm(nn.Conv2d(inputs, outputs, (5, 1), (3, 1), padding=(2, 0)))
            for inputs, outputs in pairwise(widths)
        )
        self.last = weight_norm(nn.Conv2d(widths[-1], 1, (3, 1), padding=(1, 0)))

    def forward(self, sound: Tensor) -> Judgement:
        """(B, T) -> ``Judgement``."""
        rows = sound.shape[1] // self.period
        folded = sound[:, : rows * self.period].reshape(-1, 1, rows, self.period)
        return _judge(folded, self)


class ResolutionDiscriminator(nn.Module):
    """2-D convolutions over log magnitudes of short-time spectra, each halving frequency."""

    def __init__(self, window_samples: int, width: int) -> None:
        super().__init__()
        self.window_samples = window_samples
        self.register_buffer("window", torch.hann_window(window_samples), persistent=False)
        self.window: Tensor
        widths = (1, width, width, width, 2 * width)
        self.layers = nn.ModuleList(
            weight_norm(nn.Conv2d(inputs, outputs, (7, 3), (2, 1), padding=(3, 1)))
            for inputs, outputs in pairwise(widths)
        )
        self.last = weight_norm(nn.Conv2d(widths[-1], 1, (3, 3), padding=(1, 1)))

    def forward(self, sound: Tensor) -> Judgement:
        """(B, T) -> ``Judgement``."""
        with torch.autocast(sound.device.type, enabled=False):
            spectrum = torch.stft(
                sound.float(),
                self.window_samples,
                self.window_samples // 4,
                window=self.window,
                center=False,
                return_complex=True,
            )
            power = spectrum.real.square() + spectrum.imag.square()
            # The natural logarithm of magnitude, with a floor 80 dB below the level of music.
            level = 0.5 * torch.log(power + QUIETEST_POWER)
        return _judge(level[:, None], self)


def _judge(x: Tensor, discriminator: PeriodDiscriminator | ResolutionDiscriminator) -> Judgement:
    features = []
    for layer in discriminator.layers:
        x = functional.leaky_relu(layer(x), 0.1)
        features.append(x)
    return Judgement(discriminator.last(x), tuple(features))


QUIETEST_POWER = 1e-4
"""Below it all spectra look alike: -40 dB of a magnitude of one, where hiss begins."""
