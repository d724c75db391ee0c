"""Keeps the level between decks: what their merging loses is made up.

    wanted   power of the decks' own sound, by their shares
    lost     wanted / what sounds, on average
    gain     lost, as a slope over how much is merged: 0 at a deck, 1 half way between two

The decoder's structure between two pieces is flatter than either, so it is quieter: 2 to 6 dB half
way. Knobs may change the level: while they move the style, what was found before holds.
"""

from __future__ import annotations

import numpy as np

from export.audio.arrays import Floats
from server.engine.spectra import Grid

FOLLOWING_S = 1.0
USUAL_LOSS = 0.46
"""In nepers, half way between two decks, before anything is known (measured on eight pairs)."""
MOST_LOSS = 1.2
_LEAST_MERGED = 0.05


class MixLevel:
    """Follows the power of the sum of layers and says how much to raise it."""

    def __init__(self, grid: Grid, sample_rate_hz: int) -> None:
        self._step = float(1 - np.exp(-grid.hop / (FOLLOWING_S * sample_rate_hz)))
        self.reset()

    def reset(self) -> None:
        """Forget what was found."""
        self._slope = USUAL_LOSS
        self._wanted = self._found = 0.0

    def gains(self, wanted: Floats, found: Floats, merged: Floats, is_knob: bool) -> Floats:
        """Return gains (L,) for spectra of power ``found`` (L,) where ``wanted`` (L,) is their
        decks', and ``merged`` (L,) how much of them is, 0..1."""
        gains = np.empty(len(found), np.float32)
        for n, share in enumerate(merged.tolist()):
            if share > _LEAST_MERGED and not is_knob:
                self._follow(float(wanted[n]), float(found[n]), share)
            gains[n] = np.exp(share * self._slope)
        return gains

    def _follow(self, wanted: float, found: float, share: float) -> None:
        self._wanted += (wanted - self._wanted) * self._step
        self._found += (found - self._found) * self._step
        if not (self._wanted > 0 and self._found > 0):
            return
        lost = 0.5 * np.log(self._wanted / self._found) / share
        self._slope += (float(np.clip(lost, 0, MOST_LOSS)) - self._slope) * self._step
