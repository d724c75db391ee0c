"""The limiter, last before the output: no sample exceeds the ceiling."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from export.audio.arrays import Floats

CEILING_DB = -1.0
RELEASE_S = 0.15
ATTACK_S = 0.001


class Limiter:
    """Keeps |x| at or below -1 dBFS; works frame by frame, so block size does not matter.

    A frame whose peak is too high ramps the gain down within a millisecond to what the peak needs;
    where a sample comes before the end of the ramp, that sample alone is held at the ceiling. Gain
    and audio stay continuous and nothing is delayed. The gain recovers exponentially.
    """

    def __init__(self, sample_rate_hz: int, hop_samples: int) -> None:
        self._hop = hop_samples
        self._ceiling = 10 ** (CEILING_DB / 20)
        attack = min(max(int(ATTACK_S * sample_rate_hz), 1), hop_samples)
        self._attack = np.minimum(np.arange(1, hop_samples + 1) / attack, 1.0)
        self._release = np.arange(1, hop_samples + 1) / hop_samples
        self._keep = float(np.exp(-hop_samples / (RELEASE_S * sample_rate_hz)))
        self._gain = 1.0

    @property
    def gain_db(self) -> float:
        """Present gain; 0 while nothing is limited."""
        return float(20 * np.log10(self._gain))

    def process(self, audio: NDArray[np.floating]) -> Floats:
        """Return a limited copy of (C, N*hop) samples."""
        limited = np.empty(audio.shape, np.float32)
        for start in range(0, audio.shape[1], self._hop):
            frame = audio[:, start : start + self._hop]
            limited[:, start : start + self._hop] = frame * self._frame_gains(frame)
        return np.clip(limited, -self._ceiling, self._ceiling, out=limited)

    def _frame_gains(self, frame: NDArray[np.floating]) -> NDArray[np.float64] | float:
        """Gains (hop,) of one frame, or one number where nothing needs limiting."""
        peaks = np.abs(frame).max(axis=0)
        needed = min(self._ceiling / max(float(peaks.max()), 1e-9), 1.0)
        recovered = 1.0 - (1.0 - self._gain) * self._keep
        previous, self._gain = self._gain, min(needed, recovered)
        if previous > 1 - 1e-6 and self._gain > 1 - 1e-6:
            self._gain = 1.0
            return 1.0
        shape = self._attack if self._gain < previous else self._release
        ramp = previous + (self._gain - previous) * shape
        gains: NDArray[np.float64] = np.minimum(ramp, self._ceiling / np.maximum(peaks, 1e-9))
        return gains
