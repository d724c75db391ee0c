"""A steady beat is a straight line: beat n is at ``first_beat_s + n * 60 / tempo_bpm``."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Beats:
    """Where a recording's beats are.

    ``first_beat_s`` is the first one, from the recording's start and within one beat of it;
    ``confidence`` is the share of the recording, 0..1, that keeps to the line.
    """

    tempo_bpm: float
    first_beat_s: float
    confidence: float

    @property
    def beat_s(self) -> float:
        """From one beat to the next, in s."""
        return 60.0 / self.tempo_bpm
