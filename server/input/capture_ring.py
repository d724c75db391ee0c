"""The last minute of live input, in memory that the input's process writes and the server reads.

One writes, one reads, and neither waits: the counter is moved behind the samples, and what is asked
for is shorter than the ring by ``MARGIN_S``, so the writer does not come by while it is copied.
"""

from __future__ import annotations

from ctypes import c_double, c_float, c_int64
from multiprocessing.sharedctypes import RawArray, RawValue

import numpy as np
from numpy.typing import NDArray

from server.controls.addresses import LONGEST_CAPTURE_S
from server.system.arrays import Floats

MARGIN_S = 5.0
HIGHEST_RATE_HZ = 192_000
CHANNELS = 2
"""More than two are not taken; their mean is what is kept of two."""


class CaptureRing:
    """Interleaved samples (capacity, 2) in float32; may be handed to a process that is spawned.

    It has room for the highest rate; what is beyond the present one's is never touched.
    """

    def __init__(self) -> None:
        self._memory = RawArray(c_float, _capacity(HIGHEST_RATE_HZ) * CHANNELS)
        self._capacity = RawValue(c_int64, 0)
        self._count = RawValue(c_int64, 0)
        self._written_s = RawValue(c_double, 0.0)

    def fit(self, rate_hz: float) -> None:
        """Make room for samples at ``rate_hz``; before the first is written."""
        self._capacity.value = _capacity(rate_hz)

    @property
    def written(self) -> int:
        """Samples so far, as many as were ever written."""
        return int(self._count.value)

    @property
    def written_s(self) -> float:
        """When the newest ones came, by ``time.monotonic``."""
        return float(self._written_s.value)

    def write(self, samples: Floats, now_s: float) -> None:
        """Take in (T, 1) or (T, 2) samples that came at ``now_s``."""
        ring, count = self._ring(), len(samples)
        samples = samples[-len(ring) :]
        start = (self.written + count - len(samples)) % len(ring)
        first = min(len(samples), len(ring) - start)
        ring[start : start + first] = samples[:first]
        ring[: len(samples) - first] = samples[first:]
        self._written_s.value = now_s
        self._count.value += count

    def last(self, samples: int) -> Floats:
        """A copy of the newest ``samples`` (T,), the mean of both channels.

        Fewer where less was written.
        """
        ring, end = self._ring(), self.written
        places = np.arange(max(end - min(samples, len(ring)), 0), end) % len(ring)
        mono: Floats = ring[places].mean(axis=1, dtype=np.float32)
        return mono

    def _ring(self) -> NDArray[np.float32]:
        memory: Floats = np.ctypeslib.as_array(self._memory).reshape(-1, CHANNELS)
        return memory[: int(self._capacity.value)]


def _capacity(rate_hz: float) -> int:
    return round((LONGEST_CAPTURE_S + MARGIN_S) * rate_hz)
