"""The memory layout of a ring, for both of its ends: the engine's and the sound card's process.

    | WRITTEN | READ | CALLS | UNDERRUNS | XRUNS | FLOWS | LARGEST | - |  samples ...
      eight counters of 64 bits                                         float32, interleaved

Each counter has one writer. This module uses only the standard library, for the sound card's
process.
"""

from __future__ import annotations

WRITTEN, READ, CALLS, UNDERRUNS, XRUNS, FLOWS, LARGEST = range(7)
"""Samples written and read; calls, underruns and xruns of the device; whether the engine fills the
ring, so that an empty one is an underrun; and the most samples that the device has asked for at
once.
"""

HEADER_BYTES = 64
SAMPLE_BYTES = 4


def ring_bytes(capacity_samples: int, channels: int) -> int:
    """Return the size of a ring in memory."""
    return HEADER_BYTES + SAMPLE_BYTES * capacity_samples * channels
