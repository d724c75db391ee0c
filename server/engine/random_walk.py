"""A slow random walk over the style offsets, so that the sound keeps changing.

Each dimension moves from one random place to the next, ``rate_hz`` of them a second, along half a
cosine. That equals random numbers smoothed with a Hann window of two places' length: nothing moves
faster than ``rate_hz``, where the window's spectrum has its first zero; its side lobes are 31 dB
lower.

    places   x     .     x          ``REACH_SPREADS`` either way at most, typically one spread
    walk     ~~~~\\_./~~~~
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

REACH_SPREADS = 2.0
"""The furthest place of a walk of depth 1."""


class RandomWalk:
    """Walks while its depth is not 0; the same seed and calls give the same path."""

    def __init__(self, style_dims: int, frame_s: float, seed: int = 0) -> None:
        # A separate generator: a walk must not change the decoder's noise.
        self._random = np.random.default_rng((seed, 3))
        self._frame_s = frame_s
        self._progress = 0.0
        """Progress between the two places, 0..1."""
        self._from: NDArray[np.float64] = np.zeros(style_dims)
        self._to = self._place()

    def follow(
        self, depth: NDArray[np.float64], rate_hz: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return offsets (D,N) in spreads of the next frames; depth 0..1 and rate are (N,)."""
        if not depth.any():
            return np.zeros((self._from.size, depth.size))
        steps = rate_hz * self._frame_s * (depth > 0)
        return np.stack([self._frame(step) for step in steps.tolist()], axis=1) * depth

    def _frame(self, step: float) -> NDArray[np.float64]:
        """Move on by ``step`` of the way between two places; return the offsets (D,)."""
        self._progress += step
        while self._progress >= 1:
            self._progress -= 1
            self._from, self._to = self._to, self._place()
        share = (1 - math.cos(math.pi * self._progress)) / 2
        return self._from + (self._to - self._from) * share

    def _place(self) -> NDArray[np.float64]:
        return self._random.uniform(-REACH_SPREADS, REACH_SPREADS, self._from.size)
