"""Smoothing without zipper noise: controls glide, the gate ramps."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

SNAP = 1e-6
"""A value this close to its target has arrived; the exponential alone never would."""


class Glide:
    """One-pole smoothing of a vector of values, once a frame.

    y[n] = target + (y[n-1] - target) * exp(-frame_s / smoothing_s), written in closed form, so that
    blocks of any size give the same values: 63 % of the way after ``smoothing_s``, 95 % after three
    times as long. The first values are taken at once.
    """

    def __init__(self, frame_s: float) -> None:
        self._frame_s = frame_s
        self._smoothing_s: tuple[float, ...] = ()
        self._decay: NDArray[np.float64] = np.zeros(0)
        self._powers: dict[int, NDArray[np.float64]] = {}
        self._values: NDArray[np.float64] | None = None

    def follow(
        self, targets: Sequence[float], smoothing_s: tuple[float, ...], frames: int
    ) -> NDArray[np.float64]:
        """Return the values (V, N) of the next ``frames`` frames on the way to ``targets`` (V,)."""
        if smoothing_s != self._smoothing_s:
            self._set_times(smoothing_s)
        target = np.asarray(targets, np.float64)
        if self._values is None:
            self._values = target
        distance = self._values - target
        distance[np.abs(distance) < SNAP] = 0.0
        values: NDArray[np.float64] = target[:, None] + distance[:, None] * self._powers_of(frames)
        self._values = values[:, -1].copy()
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
    """The gain that opens and closes the sound without a click: a linear ramp per sample.

    It may be opened in part, 0..1.
    """

    def __init__(self, ramp_samples: int) -> None:
        self._step = 1.0 / max(ramp_samples, 1)
        self._gain = 0.0

    @property
    def is_shut(self) -> bool:
        """True while nothing passes."""
        return self._gain == 0.0

    def follow(self, target: float, samples: int) -> NDArray[np.float64]:
        """Return the gains (T,) of the next ``samples`` samples on the way to ``target``."""
        step = math.copysign(self._step, target - self._gain)
        low, high = sorted((self._gain, target))
        ramp = self._gain + step * np.arange(1, samples + 1)
        gains: NDArray[np.float64] = np.clip(ramp, low, high)
        self._gain = float(gains[-1])
        return gains

    def shut(self) -> None:
        """Close at once; for use where the sound is silent already."""
        self._gain = 0.0


class Delay:
    """Delays gains until the sound that they belong to leaves the decoder."""

    def __init__(self, max_samples: int) -> None:
        self._max_samples = max_samples
        self._past: NDArray[np.float64] | None = None
        self._delayed = 0

    @property
    def is_zero(self) -> bool:
        """True if all delayed gains are 0."""
        return self._past is None or not self._past[self._max_samples - self._delayed :].any()

    def follow(
        self, gains: NDArray[np.float64], delays: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the gains of ``delays`` (T,) samples earlier; before the first, that one."""
        if self._past is None:
            self.fill(float(gains[0]))
        assert self._past is not None
        joined = np.concatenate([self._past, gains])
        self._past = joined[gains.size :]
        self._delayed = min(math.ceil(delays[-1]), self._max_samples)
        first = self._max_samples - float(delays[0])
        if first.is_integer() and (delays == delays[0]).all():
            return joined[int(first) : int(first) + gains.size]
        places = self._max_samples + np.arange(gains.size) - delays
        between: NDArray[np.float64] = np.interp(places, np.arange(joined.size), joined)
        return between

    def fill(self, gain: float) -> None:
        """Set all delayed gains to ``gain``."""
        self._past = np.full(self._max_samples, gain)


def ramp_between(
    ends: NDArray[np.float64], previous: float, hop_samples: int
) -> NDArray[np.float64]:
    """Return a gain per sample (N*hop,), linear from each frame's end value to the next one's.

    ``ends`` (N,) are the values at the frames' last samples, ``previous`` the one before them.
    """
    starts = np.concatenate([[previous], ends[:-1]])
    share = np.arange(1, hop_samples + 1) / hop_samples
    ramps: NDArray[np.float64] = starts[:, None] + (ends - starts)[:, None] * share
    return ramps.reshape(-1)
