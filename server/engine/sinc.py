"""A windowed-sinc interpolator; its filter narrows where sound is read faster than it was made.

    y(p) = sum_i x[i] h(i - p),   h(d) = w c sinc(w c d) kaiser(w d / Z),   w = 1 / max(rate, 1)

c puts the filter's edge below the lower of both Nyquist frequencies: flat to 0.86 of it, and 90 dB
down (Kaiser's beta 9) from 1.04 on. See J. O. Smith, "Digital Audio Resampling".
"""

from __future__ import annotations

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from export.audio.arrays import Floats

ZERO_CROSSINGS = 32
"""Z on each side: as many samples are read before and after a place, more at a higher rate."""

_EDGE = 0.95
_BETA = 9.0
_STEPS = 512
"""Entries of the table from one zero crossing to the next; linear between them (-116 dB)."""


def reach_samples(rate: float) -> int:
    """Return how many samples on each side of a place are needed at ``rate``."""
    return math.ceil(ZERO_CROSSINGS * max(rate, 1.0)) + 1


def read(samples: Floats, places: NDArray[np.float64], rates: NDArray[np.float64]) -> Floats:
    """Return sound (C,T) at fractional ``places`` (T,) of ``samples`` (C,L), read at ``rates``.

    ``samples`` must extend ``reach_samples`` to both sides of each place.
    """
    reach = reach_samples(float(rates.max()))
    below = np.floor(places)
    first = below.astype(np.int64) - reach + 1
    widths = np.float32(1.0) / np.maximum(rates, 1.0).astype(np.float32)
    distances = (
        np.arange(1 - reach, reach + 1, dtype=np.float32)
        - ((places - below).astype(np.float32)[:, None])
    )
    steps = np.abs(distances) * (widths * np.float32(_STEPS))[:, None]
    np.minimum(steps, np.float32(_TABLE.size - 2), out=steps)
    entries = steps.astype(np.int32)
    steps -= entries
    weights = _TABLE[entries]
    weights += steps * _RISES[entries]
    weights *= widths[:, None]
    around = sliding_window_view(samples, 2 * reach, axis=1)[:, first]
    return np.asarray(np.einsum("cti,ti->ct", around, weights), np.float32)


def _table() -> Floats:
    """One side of the kernel, then zeros."""
    crossings = np.arange(ZERO_CROSSINGS * _STEPS + 1) / _STEPS
    window = np.i0(_BETA * np.sqrt(1 - (crossings / ZERO_CROSSINGS) ** 2)) / np.i0(_BETA)
    kernel = _EDGE * np.sinc(_EDGE * crossings) * window
    return np.concatenate([kernel, np.zeros(2)]).astype(np.float32)


_TABLE = _table()
_RISES = np.diff(_TABLE, append=np.float32(0))
