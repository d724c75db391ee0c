"""The sound card's end of a ring, in the process that holds the device: bytes, no numpy.

A copy of at most two pieces, for the audio callback; see ``server.output.ring`` for the other end.
"""

from __future__ import annotations

import mmap

from server.output.ring_layout import (
    CALLS,
    FLOWS,
    HEADER_BYTES,
    LARGEST,
    READ,
    SAMPLE_BYTES,
    UNDERRUNS,
    WRITTEN,
    XRUNS,
    ring_bytes,
)


class RingReader:
    """Reads a ring of ``channels`` from ``memory``."""

    def __init__(self, capacity_samples: int, channels: int, memory: mmap.mmap | bytearray) -> None:
        view = memoryview(memory)[: ring_bytes(capacity_samples, channels)]
        self._counts = view[:HEADER_BYTES].cast("q")
        self._bytes = view[HEADER_BYTES:]
        self._frame_bytes = SAMPLE_BYTES * channels

    def fill(self, target: memoryview, xrun: bool) -> None:
        """Fill ``target``, bytes of interleaved samples, with what is available, then zeros."""
        counts, capacity = self._counts, len(self._bytes)
        requested_bytes = len(target)
        available_bytes = (counts[WRITTEN] - counts[READ]) * self._frame_bytes
        count = min(requested_bytes, available_bytes)
        start = counts[READ] * self._frame_bytes % capacity
        first = min(count, capacity - start)
        target[:first] = self._bytes[start : start + first]
        target[first:count] = self._bytes[: count - first]
        if count < requested_bytes:
            target[count:] = bytes(requested_bytes - count)
            counts[UNDERRUNS] += counts[FLOWS]
        counts[READ] += count // self._frame_bytes
        counts[CALLS] += 1
        counts[LARGEST] = max(counts[LARGEST], requested_bytes // self._frame_bytes)
        counts[XRUNS] += xrun
