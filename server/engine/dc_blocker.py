"""The DC blocker: removes the constant part of the sound before the limiter.

    y[n] = x[n] - m[n],   m[n] = m[n-1] + (1 - r) (x[n] - m[n-1]),   r = exp(-2 pi f / rate)

A first-order high-pass: 3 dB down at 3 Hz, 0.1 dB at 20 Hz. The mean m is computed in closed form,
frame by frame, with numpy instead of a loop over samples; the size of a block does not matter.
"""

from __future__ import annotations

import numpy as np

from export.audio.arrays import Floats

CORNER_HZ = 3.0


class DcBlocker:
    """A streaming high-pass for (C, N*hop) samples."""

    def __init__(self, sample_rate_hz: float, hop_samples: int, channels: int) -> None:
        keep = np.exp(-2 * np.pi * CORNER_HZ / sample_rate_hz)
        self._hop = hop_samples
        # Over one frame only: over many, the powers would leave the range of a float.
        self._decay = keep ** np.arange(1, hop_samples + 1)
        self._growth = (1 - keep) / self._decay
        self._mean = np.zeros((channels, 1))

    def process(self, audio: Floats) -> Floats:
        """Return a copy of ``audio`` without its constant part; finite samples only."""
        blocked = np.empty(audio.shape, np.float32)
        for start in range(0, audio.shape[1], self._hop):
            frame = audio[:, start : start + self._hop]
            means = self._decay * (self._mean + np.cumsum(frame * self._growth, axis=1))
            self._mean = means[:, -1:]
            blocked[:, start : start + self._hop] = frame - means
        return blocked

    def reset(self) -> None:
        """Return to the initial state: no constant part."""
        self._mean = np.zeros_like(self._mean)
