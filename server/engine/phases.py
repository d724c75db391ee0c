"""Phases: the decoder's run on by themselves, or lean on a recording's own.

    free       phase = previous phase + what the decoder predicts
    leaning    phase = true phase + deviation,   deviation <- (1 - confidence) x (free - true)

The deviation leaks away, so nothing drifts from the recording, and with full confidence the phase
is the true one. Uncertain bins are jittered as in ``model.vocoder``, and phases locked to the
loudest of three neighbours (Laroche and Dolson 1999), as far as they are free.
"""

from __future__ import annotations

import numpy as np

from export.audio.arrays import Floats
from server.engine.spectra import DecodedSpectra, Grid

TONAL_SPREAD, NOISY_SPREAD = 0.5, 0.9
"""As in ``model.vocoder``: spread in radians up to which a bin is a tone, and from which noise."""
_TURN = np.float32(2 * np.pi)


class Steps:
    """The phase steps of a free stream from spectrum to spectrum."""

    def __init__(self, grid: Grid) -> None:
        turns = np.arange(grid.bins) * grid.hop % grid.window / grid.window
        self._bins = (2 * np.pi * turns).astype(np.float32)

    def of(self, spectra: DecodedSpectra, noise: Floats) -> Floats:
        """Steps (L, F) in radians, jittered by standard normal ``noise`` (L, F)."""
        noisiness = (spectra.spread - TONAL_SPREAD) / (NOISY_SPREAD - TONAL_SPREAD)
        jitter = noise * spectra.spread * np.clip(noisiness, 0, 1)
        return np.asarray(self._bins + spectra.advance + jitter, np.float32)


def confidence(detail: Floats) -> Floats:
    """How much a phase leans on the recording's, 0..1, at ``detail`` 0..1."""
    return np.asarray(1 - np.square(1 - detail), np.float32)


def leaning(free: Floats, true: Floats, confidence: float) -> Floats:
    """Phase (F,) between the free and the true one."""
    return true + (1 - confidence) * wrapped(free - true)


def wrapped(phase: Floats) -> Floats:
    """Phase within -pi to pi."""
    return np.asarray(phase - _TURN * np.round(phase / _TURN), np.float32)


def locked(log_magnitude: Floats, phase: Floats) -> Floats:
    """Phase (F,) of the loudest among each bin and its two neighbours: the mean by power."""
    power = np.exp(2 * log_magnitude)
    real, imaginary = (_sum_of_three(power * part(phase)) for part in (np.cos, np.sin))
    return np.asarray(np.arctan2(imaginary, real), np.float32)


def _sum_of_three(row: Floats) -> Floats:
    total = row.copy()
    total[1:] += row[:-1]
    total[:-1] += row[1:]
    return total
