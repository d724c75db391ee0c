"""The bounded ring between the engine's thread and the audio callback.

One thread writes, one reads. Each owns one counter and only reads the other's, so that neither ever
waits for the other: no lock, no allocation, a copy of at most two pieces. Its memory may be shared
with another process (``server.output.ring_reader``).
"""

from __future__ import annotations

import mmap

import numpy as np

from export.audio.arrays import Floats
from server.output.ring_layout import (
    CALLS,
    FLOWS,
    HEADER_BYTES,
    LARGEST,
    READ,
    UNDERRUNS,
    WRITTEN,
    XRUNS,
    ring_bytes,
)


class Ring:
    """Interleaved samples (capacity, C) in float32, in ``memory`` of ``ring_bytes``, or its own."""

    def __init__(
        self, capacity_samples: int, channels: int, memory: mmap.mmap | bytearray | None = None
    ) -> None:
        if capacity_samples < 1 or channels < 1:
            raise ValueError(f"a ring of {capacity_samples} samples x {channels} channels")
        size = ring_bytes(capacity_samples, channels)
        buffer = bytearray(size) if memory is None else memory
        self.capacity_samples = capacity_samples
        self.channels = channels
        self._counts = np.frombuffer(buffer, np.int64, HEADER_BYTES // 8)
        samples = np.frombuffer(buffer, np.float32, capacity_samples * channels, HEADER_BYTES)
        self._buffer = samples.reshape(capacity_samples, channels)

    @property
    def available(self) -> int:
        """Samples that can be read."""
        return int(self._counts[WRITTEN] - self._counts[READ])

    @property
    def free(self) -> int:
        """Samples that can be written."""
        return self.capacity_samples - self.available

    @property
    def calls(self) -> int:
        """The number of times the device has asked for samples."""
        return int(self._counts[CALLS])

    @property
    def largest_request(self) -> int:
        """The most samples that the device has asked for at once."""
        return int(self._counts[LARGEST])

    @property
    def underruns(self) -> int:
        """The number of times the ring held too little while the engine was filling it."""
        return int(self._counts[UNDERRUNS])

    @property
    def device_xruns(self) -> int:
        """The number of xruns that the device reported."""
        return int(self._counts[XRUNS])

    def write(self, samples: Floats) -> int:
        """Write as many of (T, C) samples as fit; return how many."""
        count = min(len(samples), self.free)
        start = int(self._counts[WRITTEN]) % self.capacity_samples
        first = min(count, self.capacity_samples - start)
        self._buffer[start : start + first] = samples[:first]
        self._buffer[: count - first] = samples[first:count]
        self._counts[WRITTEN] += count
        self._counts[FLOWS] = 1
        return count

    def end(self) -> None:
        """Mark the end of writing: an empty ring is no underrun any more."""
        self._counts[FLOWS] = 0

    def read_into(self, target: Floats) -> int:
        """Fill the beginning of (T, C) with available samples; return how many."""
        count = min(len(target), self.available)
        start = int(self._counts[READ]) % self.capacity_samples
        first = min(count, self.capacity_samples - start)
        target[:first] = self._buffer[start : start + first]
        target[first:count] = self._buffer[: count - first]
        self._counts[READ] += count
        self._counts[CALLS] += 1
        self._counts[LARGEST] = max(self._counts[LARGEST], len(target))
        self._counts[UNDERRUNS] += self._counts[FLOWS] and count < len(target)
        return count
