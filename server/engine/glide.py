"""How values follow the hands without zipper noise: every control glides, the gate ramps."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

SNAP = 1e-6
"""A value this close to its target is there; the glide alone would never arrive."""


class Glide:
    """One-pole smoothing of a whole vector of values, once a frame.

    y[n] = target + (y[n-1] - target) * exp(-frame_s / smoothing_s), written in closed form, so
    that blocks of any size give the same values: 63 % of the way after ``smoothing_s``, 95 % after
    three times as long. The first values are jumped to.
    """

    def __init__(self, frame_s: float) -> None:
        self._frame_s = frame_s
        self._smoothing_s: tuple[float, ...] = ()
        self._decay: NDArray[np.float64] = np.zeros(0)
        self._powers: dict[int, NDArray[np.float64]] = {}
        self._present: NDArray[np.float64] | None = None

    def follow(
        self, targets: Sequence[float], smoothing_s: tuple[float, ...], frames: int
    ) -> NDArray[np.float64]:
        """Values (V, N) of the next ``frames`` frames on the way to ``targets`` (V,)."""
        if smoothing_s != self._smoothing_s:
            self._set_times(smoothing_s)
        goal = np.asarray(targets, np.float64)
        if self._present is None:
            self._present = goal
        distance = self._present - goal
        distance[np.abs(distance) < SNAP] = 0.0
        values: NDArray[np.float64] = goal[:, None] + distance[:, None] * self._powers_of(frames)
        self._present = values[:, -1].copy()
        return values

    def _set_times(self, smoothing_s: tuple[float, ...]) -> None:
        times = np.asarray(smoothing_s, np.float64)
        self._smoothing_s = smoothing_s
        self._decay = np.exp(-self._frame_s / np.maximum(times, 1e-9))
        self._decay[times <= 0] = 0.0
        self._powers.clear()

    def _powers_of(self, frames: int) -> NDArray[np.float64]:
        if frames not in self._powers:
            self._powers[frames] = self._decay[:, None] ** np.arange(1, frames + 1)
        return self._powers[frames]


class Gate:
    """The gain that opens and closes the sound without a click: a straight ramp per sample.

    It may be opened in part, 0..1.
    """

    def __init__(self, ramp_samples: int) -> None:
        self._step = 1.0 / max(ramp_samples, 1)
        self._gain = 0.0

    @property
    def is_shut(self) -> bool:
        """Whether nothing passes at present."""
        return self._gain == 0.0

    def follow(self, goal: float, samples: int) -> NDArray[np.float64]:
        """Gains (T,) of the next ``samples`` samples on the way to ``goal``."""
        step = math.copysign(self._step, goal - self._gain)
        low, high = sorted((self._gain, goal))
        way = self._gain + step * np.arange(1, samples + 1)
        gains: NDArray[np.float64] = np.clip(way, low, high)
        self._gain = float(gains[-1])
        return gains

    def shut(self) -> None:
        """Close at once; for when what came before is silent already."""
        self._gain = 0.0


class Delay:
    """Gains that wait until the sound they were meant for has come out of the decoder."""

    def __init__(self, most_samples: int) -> None:
        self._most = most_samples
        self._past: NDArray[np.float64] | None = None
        self._waiting = 0

    @property
    def is_zero(self) -> bool:
        """Whether all that waits is 0."""
        return self._past is None or not self._past[self._most - self._waiting :].any()

    def follow(
        self, gains: NDArray[np.float64], delays: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """The gains of ``delays`` (T,) samples before each (T,); at first what the first one is."""
        if self._past is None:
            self.fill(float(gains[0]))
        assert self._past is not None
        joined = np.concatenate([self._past, gains])
        self._past = joined[gains.size :]
        self._waiting = min(math.ceil(delays[-1]), self._most)
        first = self._most - float(delays[0])
        if first.is_integer() and (delays == delays[0]).all():
            return joined[int(first) : int(first) + gains.size]
        places = self._most + np.arange(gains.size) - delays
        between: NDArray[np.float64] = np.interp(places, np.arange(joined.size), joined)
        return between

    def fill(self, gain: float) -> None:
        """As if it had always been ``gain``."""
        self._past = np.full(self._most, gain)


def ramp_between(ends: NDArray[np.float64], before: float, hop_samples: int) -> NDArray[np.float64]:
    """A gain per sample (N*hop,), straight from each frame's end value to the next one's.

    ``ends`` (N,) are the values at the frames' last samples, ``before`` the one before them.
    """
    starts = np.concatenate([[before], ends[:-1]])
    share = np.arange(1, hop_samples + 1) / hop_samples
    ramps: NDArray[np.float64] = starts[:, None] + (ends - starts)[:, None] * share
    return ramps.reshape(-1)
