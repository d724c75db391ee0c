"""A clock: a tempo, and where in the music it is; the internal one, MIDI's and Ableton Link's.

It says which beat it is at a time of the system's clock, as a straight line from the last look::

    beat(time_s) = beat + (time_s - at_s) * tempo_bpm / 60
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class TempoLine:
    """``beat``, with its fraction, is at ``at_s``, and beats go on at ``tempo_bpm``."""

    tempo_bpm: float
    beat: float
    at_s: float

    def beat_at(self, time_s: float) -> float:
        """Which beat it is at ``time_s``."""
        return self.beat + (time_s - self.at_s) * self.tempo_bpm / 60


class Clock(Protocol):
    """Someone who beats time."""

    @property
    def line(self) -> TempoLine | None:
        """What it says now; None before it is sure."""
