"""Listeners that tell decoded sound from real sound, and teach the vocoder by it.

Two kinds, as in UnivNet (arXiv 2106.07889): the sound folded to several periods (from HiFi-GAN,
arXiv 2010.05646) and its magnitude spectra at several resolutions. Magnitudes and not complex
spectra: phases are summed up from advances that learn from a loss of their own.
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
    """One listener's verdict: ``score`` high for real, and the layers it came from."""

    score: Tensor
    features: tuple[Tensor, ...]


class Discriminators(nn.Module):
    """All listeners, (B, T) -> one ``Judgement`` each.

    ``width`` is the channels of their first layers. On two CPU cores 16 of them cost about what a
    step of stage 2 costs; a GPU affords the papers' 32.
    """

    def __init__(
        self,
        width: int = 16,
        periods: tuple[int, ...] = (2, 3, 5, 7, 11),
        windows: tuple[int, ...] = (512, 1024, 2048),
    ) -> None:
        super().__init__()
        listeners = [PeriodDiscriminator(period, width) for period in periods]
        self.listeners = nn.ModuleList(
            [*listeners, *(ResolutionDiscriminator(window, width) for window in windows)]
        )

    def forward(self, sound: Tensor) -> list[Judgement]:
        """(B, T) -> as many judgements as there are periods and windows."""
        return [listener(sound) for listener in self.listeners]


class PeriodDiscriminator(nn.Module):
    """Every ``period``-th sample in one row: a texture that a convolution over time misses."""

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
    """Log magnitudes of short-time spectra as a picture, the frequency axis halved each time."""

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
            # Half the natural logarithm of power, from -80 dB below a level where music lies.
            level = 0.5 * torch.log(power + QUIETEST_POWER)
        return _judge(level[:, None], self)


def _judge(x: Tensor, listener: PeriodDiscriminator | ResolutionDiscriminator) -> Judgement:
    features = []
    for layer in listener.layers:
        x = functional.leaky_relu(layer(x), 0.1)
        features.append(x)
    return Judgement(listener.last(x), tuple(features))


QUIETEST_POWER = 1e-4
"""Below it all spectra look alike: -40 dB of a magnitude of one, where hiss begins."""
