"""The bounded ring between the engine's thread and the audio callback.

One thread writes, one reads. Each owns one counter and only reads the other's, so neither ever
waits for the other: no lock, no allocation, a copy of at most two pieces.
"""

from __future__ import annotations

import numpy as np

from server.session import Floats


class Ring:
    """Interleaved samples (capacity, C) in float32."""

    def __init__(self, capacity_samples: int, channels: int) -> None:
        if capacity_samples < 1 or channels < 1:
            raise ValueError(f"a ring of {capacity_samples} samples x {channels} channels")
        self.capacity_samples = capacity_samples
        self.channels = channels
        self._buffer = np.zeros((capacity_samples, channels), np.float32)
        self._written = 0
        self._read = 0

    @property
    def available(self) -> int:
        """Samples that can be read."""
        return self._written - self._read

    @property
    def free(self) -> int:
        """Samples that can be written."""
        return self.capacity_samples - self.available

    def write(self, samples: Floats) -> int:
        """Take as many of (T, C) samples as fit; how many."""
        count = min(len(samples), self.free)
        start = self._written % self.capacity_samples
        first = min(count, self.capacity_samples - start)
        self._buffer[start : start + first] = samples[:first]
        self._buffer[: count - first] = samples[first:count]
        self._written += count
        return count

    def read_into(self, target: Floats) -> int:
        """Fill the beginning of (T, C) with what is there; how many samples."""
        count = min(len(target), self.available)
        start = self._read % self.capacity_samples
        first = min(count, self.capacity_samples - start)
        target[:first] = self._buffer[start : start + first]
        target[first:count] = self._buffer[: count - first]
        self._read += count
        return count
