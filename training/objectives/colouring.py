"""Colours: filters of log-mel images, each of which moves what a listener would name.

Brightness, loudness, noisiness, bandwidth, attack, pitch and density
(``training.measures.descriptors``), by an amount, of any image. They are the true answers that
knobs are taught with (``training.objectives.taught_knobs``).
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
    """All filters at once."""

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
        """Images (B, 3, M, N) through all filters, ``amounts`` (B, 7), one for each, about -2..2.

        As loud as before but for the amount of loudness; silence stays silent.
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
        """A tilt about 1 kHz."""
        return image + amount * TILT_DB * self.units_per_db * (self.octaves - OCTAVE_1_KHZ)

    def _bandwidth(self, image: Tensor, amount: Tensor) -> Tensor:
        """Gain that grows with the distance from the image's own centre."""
        power = torch.pow(10.0, image * 2).mean(dim=(1, 3))[:, None, :, None]
        power = power / power.sum(dim=2, keepdim=True)
        centre = (power * self.octaves).sum(dim=2, keepdim=True)
        away = (self.octaves - centre).abs().clamp(max=3.0) ** 1.5
        return image + amount * WIDENING_DB * self.units_per_db * away

    def _pitch(self, image: Tensor, amount: Tensor) -> Tensor:
        """A tilt of the fundamentals alone: which of the notes that sound is heard as the one."""
        # Bass raised as far as it can be lowered leaves nothing but noise audible above it.
        amount = torch.where(amount < 0, PITCH_DOWN * amount, amount)
        above = self.octaves - OCTAVE_FUNDAMENTALS
        tilt = above.clamp(-REACH_OCTAVES, REACH_OCTAVES)
        # Back to nothing further up, or it would be brightness as well.
        back = ((above - REACH_OCTAVES) / 1.5).clamp(0, 1) * REACH_OCTAVES
        tilted = image + amount * FUNDAMENTALS_DB * self.units_per_db * (tilt - back)
        # Less bass alone would narrow the spectrum as much as it lifts the pitch.
        widened = self._bandwidth(tilted, amount * PITCH_WIDENS)
        darkened = self._brightness(widened, -amount * PITCH_DARKENS)
        # Partials that stand out by more than they did would make it purer as well.
        return self._noisiness(darkened, amount * PITCH_ROUGHENS)

    def _noisiness(self, image: Tensor, amount: Tensor) -> Tensor:
        """Peaks along frequency flattened or sharpened."""
        share = (-amount * 0.75).clamp(-1.0, 0.4)
        return image + share * (image - neighbours(image))

    def _attack(self, image: Tensor, amount: Tensor) -> Tensor:
        """Rises limited to a slope, or what lies above that slope raised further."""
        frames = torch.arange(image.shape[3], device=image.device)
        slope = ATTACK_DB_PER_S * self.frame_s * self.units_per_db * frames
        slow = torch.cummin(image - slope, dim=3).values + slope
        above = image - slow
        softer = (-0.8 * amount).clamp(0, 1) * above
        # Without an end, a note out of silence becomes a click that leaves no power for the rest.
        harder = amount.clamp(min=0) * above.clamp(max=ATTACK_DB * self.units_per_db)
        return image - softer + harder

    def _echo_or_hold(self, image: Tensor, amount: Tensor) -> Tensor:
        """Every note a second time, or held over those that follow."""
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
    """Log power of whole images in their own units, (B, 3, M, N) -> (B, 1, 1, 1)."""
    power = torch.logsumexp(image.flatten(1) * NEPERS_PER_UNIT, dim=1) / NEPERS_PER_UNIT
    return power[:, None, None, None]


COLOURS = TAUGHT_KNOBS
"""As in ``training.measures.descriptors``: what each filter moves most, + is more of it."""

FADE_UNITS = 0.2
"""Above the floor of an image, a filter comes in over 8 dB: nothing is made of silence."""

TILT_DB = 2.0
WIDENING_DB = 2.0
FUNDAMENTALS_DB = 12.0
LOUDNESS_DB = 2.5
"""Each at an amount of 1; so measured that 1.5 moves its descriptor by about a deviation."""

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
