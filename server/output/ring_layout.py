"""How a ring lies in memory, for both of its ends: the engine's and the sound card's process.

    | WRITTEN | READ | CALLS | UNDERRUNS | XRUNS | FLOWS | LARGEST | - |  samples ...
      eight counters of 64 bits                                         float32, interleaved

Each counter has one writer. The sound card's process needs only the standard library.
"""

from __future__ import annotations

WRITTEN, READ, CALLS, UNDERRUNS, XRUNS, FLOWS, LARGEST = range(7)
"""Samples written and read, times the device called, was not given enough, told of a dropout of
its own; whether the engine fills the ring, so that an empty one is an underrun; and the most
samples that the device has asked for at once."""

HEADER_BYTES = 64
SAMPLE_BYTES = 4


def ring_bytes(capacity_samples: int, channels: int) -> int:
    """What a ring of so many samples takes."""
    return HEADER_BYTES + SAMPLE_BYTES * capacity_samples * channels
