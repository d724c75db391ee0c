"""Colours: filters of log-mel images, each of which moves one descriptor by an amount.

Brightness, loudness, noisiness, bandwidth, attack, pitch and density, as
``training.measures.descriptors`` measures them. Knobs are taught with coloured images as targets
(``training.objectives.taught_knobs``).
"""

from __future__ import annotations

from collections.abc import Callable

import librosa
import numpy as np
import torch
from torch import Tensor, nn

from model.config import TAUGHT_KNOBS, FeatureConfig
from model.contrast import neighbours
from model.features import NEPERS_PER_UNIT


class Colouring(nn.Module):
    """Applies every filter by its amount."""

    def __init__(self, features: FeatureConfig) -> None:
        super().__init__()
        centres_hz = librosa.mel_frequencies(
            features.mel_bins + 2, fmin=features.lowest_hz, fmax=features.top_hz
        )[1:-1]
        octaves = torch.from_numpy(np.log2(centres_hz)).float()[:, None]
        self.register_buffer("octaves", octaves, persistent=False)
        self.octaves: Tensor
        self.frame_s = features.hop_samples / features.sample_rate_hz
        self.units_per_db = -2 / features.floor_db

    def forward(self, image: Tensor, amounts: Tensor) -> Tensor:
        """Filter images (B, 3, M, N) by ``amounts`` (B, 7) of each colour, about -2..2.

        Only the amount of loudness changes the level; silence stays silent.
        """
        by_name = dict(zip(COLOURS, amounts.T[..., None, None, None], strict=True))
        coloured = image
        for name, filtered in self._filters().items():
            coloured = filtered(coloured, by_name[name])
        gain = _level(image) - _level(coloured)
        gain = gain + by_name["loudness"] * LOUDNESS_DB * self.units_per_db
        audible = ((image + 1) / FADE_UNITS).clamp(0, 1)
        return (image + (coloured + gain - image) * audible).clamp(min=-1.0)

    def _filters(self) -> dict[str, Callable[[Tensor, Tensor], Tensor]]:
        return {
            "density": self._echo_or_hold,
            "attack": self._attack,
            "noisiness": self._noisiness,
            "pitch": self._pitch,
            "bandwidth": self._bandwidth,
            "brightness": self._brightness,
        }

    def _brightness(self, image: Tensor, amount: Tensor) -> Tensor:
        """Tilt the spectrum about 1 kHz."""
        return image + amount * TILT_DB * self.units_per_db * (self.octaves - OCTAVE_1_KHZ)

    def _bandwidth(self, image: Tensor, amount: Tensor) -> Tensor:
        """Apply a gain that grows with the distance from the spectral centroid."""
        power = torch.pow(10.0, image * 2).mean(dim=(1, 3))[:, None, :, None]
        power = power / power.sum(dim=2, keepdim=True)
        centre = (power * self.octaves).sum(dim=2, keepdim=True)
        away = (self.octaves - centre).abs().clamp(max=3.0) ** 1.5
        return image + amount * WIDENING_DB * self.units_per_db * away

    def _pitch(self, image: Tensor, amount: Tensor) -> Tensor:
        """Tilt the fundamentals alone, which moves the pitch that is heard among several notes."""
        # Bass raised as far as it may be lowered leaves only noise audible above it.
        amount = torch.where(amount < 0, PITCH_DOWN * amount, amount)
        above = self.octaves - OCTAVE_FUNDAMENTALS
        tilt = above.clamp(-REACH_OCTAVES, REACH_OCTAVES)
        # Back to 0 further up, or it would change brightness as well.
        back = ((above - REACH_OCTAVES) / 1.5).clamp(0, 1) * REACH_OCTAVES
        tilted = image + amount * FUNDAMENTALS_DB * self.units_per_db * (tilt - back)
        # Without it, less bass would narrow the spectrum as much as it lifts the pitch.
        widened = self._bandwidth(tilted, amount * PITCH_WIDENS)
        darkened = self._brightness(widened, -amount * PITCH_DARKENS)
        # Partials now stand out more, which would make the sound purer as well.
        return self._noisiness(darkened, amount * PITCH_ROUGHENS)

    def _noisiness(self, image: Tensor, amount: Tensor) -> Tensor:
        """Flatten or sharpen peaks along frequency."""
        share = (-amount * 0.75).clamp(-1.0, 0.4)
        return image + share * (image - neighbours(image))

    def _attack(self, image: Tensor, amount: Tensor) -> Tensor:
        """Limit rises to a slope, or raise further what is above that slope."""
        frames = torch.arange(image.shape[3], device=image.device)
        slope = ATTACK_DB_PER_S * self.frame_s * self.units_per_db * frames
        slow = torch.cummin(image - slope, dim=3).values + slope
        above = image - slow
        softer = (-0.8 * amount).clamp(0, 1) * above
        # Without a limit, a note out of silence becomes a click that leaves no power for the rest.
        harder = amount.clamp(min=0) * above.clamp(max=ATTACK_DB * self.units_per_db)
        return image - softer + harder

    def _echo_or_hold(self, image: Tensor, amount: Tensor) -> Tensor:
        """Echo every note, or hold it over those that follow."""
        frames = torch.arange(image.shape[3], device=image.device)
        fall = HOLD_DB_PER_S * self.frame_s * self.units_per_db * frames
        held = torch.cummax(image + fall, dim=3).values - fall
        delay = round(ECHO_S / self.frame_s)
        late = nn.functional.pad(image, (delay, 0), value=-1.0)[..., : image.shape[3]]
        below = (ECHO_DB * (1 - 0.5 * amount)).clamp(min=0) * self.units_per_db
        echoed = torch.maximum(image, late - below)
        share = (-0.6 * amount).clamp(0, 1)
        return torch.where(amount > 0, echoed, image + share * (held - image))


def _level(image: Tensor) -> Tensor:
    """Log power of whole images in image units, (B, 3, M, N) -> (B, 1, 1, 1)."""
    power = torch.logsumexp(image.flatten(1) * NEPERS_PER_UNIT, dim=1) / NEPERS_PER_UNIT
    return power[:, None, None, None]


COLOURS = TAUGHT_KNOBS
"""Each is the descriptor in ``training.measures.descriptors`` that its filter moves most."""

FADE_UNITS = 0.2
"""Filters fade in over the lowest 8 dB of an image, so that silence stays silent."""

TILT_DB = 2.0
WIDENING_DB = 2.0
FUNDAMENTALS_DB = 12.0
LOUDNESS_DB = 2.5
"""Each for an amount of 1; tuned so that 1.5 moves its descriptor by about a deviation."""

PITCH_WIDENS = 1.8
PITCH_DARKENS = 0.9
PITCH_ROUGHENS = 0.6
PITCH_DOWN = 0.5

OCTAVE_1_KHZ = float(np.log2(1000))
OCTAVE_FUNDAMENTALS = float(np.log2(250))
REACH_OCTAVES = 1.9

ATTACK_DB_PER_S = 70.0
ATTACK_DB = 12.0
HOLD_DB_PER_S = 15.0
ECHO_S = 0.12
ECHO_DB = 14.0
