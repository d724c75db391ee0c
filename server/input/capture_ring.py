"""The last minute of live input, in memory that the input's process writes and the server reads.

One side writes, one reads, and neither waits: the counter moves after the samples, and reads are
shorter than the ring by ``MARGIN_S``, so that the writer does not overtake the reader.
"""

from __future__ import annotations

from ctypes import c_double, c_float, c_int64
from multiprocessing.sharedctypes import RawArray, RawValue

import numpy as np

from export.audio.arrays import Floats
from server.controls.addresses import LONGEST_CAPTURE_S

MARGIN_S = 5.0
HIGHEST_RATE_HZ = 192_000
CHANNELS = 2
"""At most two channels are captured, and then averaged."""


class CaptureRing:
    """Interleaved samples (capacity, 2) in float32; may be passed to a spawned process.

    It has room for the highest rate; memory beyond the present rate's need is never touched.
    """

    def __init__(self) -> None:
        self._memory = RawArray(c_float, _capacity(HIGHEST_RATE_HZ) * CHANNELS)
        self._capacity = RawValue(c_int64, 0)
        self._count = RawValue(c_int64, 0)
        self._written_s = RawValue(c_double, 0.0)

    def fit(self, rate_hz: float) -> None:
        """Set the capacity for samples at ``rate_hz``; before the first is written."""
        self._capacity.value = _capacity(rate_hz)

    @property
    def written(self) -> int:
        """Samples written so far, including overwritten ones."""
        return int(self._count.value)

    @property
    def written_s(self) -> float:
        """The time of the newest samples, by ``time.monotonic``."""
        return float(self._written_s.value)

    def write(self, samples: Floats, now_s: float) -> None:
        """Write (T, 1) or (T, 2) samples that arrived at ``now_s``."""
        ring, count = self._ring(), len(samples)
        samples = samples[-len(ring) :]
        start = (self.written + count - len(samples)) % len(ring)
        first = min(len(samples), len(ring) - start)
        ring[start : start + first] = samples[:first]
        ring[: len(samples) - first] = samples[first:]
        self._written_s.value = now_s
        self._count.value += count

    def last(self, samples: int) -> Floats:
        """Copy up to ``samples`` of the newest samples (T,), averaged over both channels."""
        ring, end = self._ring(), self.written
        places = np.arange(max(end - min(samples, len(ring)), 0), end) % len(ring)
        mono: Floats = ring[places].mean(axis=1, dtype=np.float32)
        return mono

    def _ring(self) -> Floats:
        memory: Floats = np.ctypeslib.as_array(self._memory).reshape(-1, CHANNELS)
        return memory[: int(self._capacity.value)]


def _capacity(rate_hz: float) -> int:
    return round((LONGEST_CAPTURE_S + MARGIN_S) * rate_hz)
