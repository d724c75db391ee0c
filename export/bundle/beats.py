"""A steady beat as a straight line: beat n is at ``first_beat_s + n * 60 / tempo_bpm``."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Beats:
    """The beats of a recording.

    ``first_beat_s`` is the first one, within one beat of the recording's start; ``confidence`` is
    the share of the recording, 0..1, that keeps to the line.
    """

    tempo_bpm: float
    first_beat_s: float
    confidence: float

    @property
    def beat_s(self) -> float:
        """Time from one beat to the next."""
        return 60.0 / self.tempo_bpm
