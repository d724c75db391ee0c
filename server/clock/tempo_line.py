"""A clock: a tempo, and where in the music it is; the internal one, MIDI's and Ableton Link's.

It says which beat it is at a time of the system's clock, as a straight line from the last look::

    beat(time_s) = beat + (time_s - at_s) * tempo_bpm / 60
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TempoLine:
    """``beat``, with its fraction, is at ``at_s``, and beats go on at ``tempo_bpm``."""

    tempo_bpm: float
    beat: float
    at_s: float

    def beat_at(self, time_s: float) -> float:
        """Which beat it is at ``time_s``."""
        return self.beat + (time_s - self.at_s) * self.tempo_bpm / 60


@dataclass(frozen=True)
class Lead:
    """What the playhead follows of a clock: replaced when that says more, never changed.

    ``line`` counts beats from where the song began. ``seeks`` counts how often the song was begun
    or moved, the last time to ``from_beat``; ``is_running`` is whether it has been started.
    ``bar_beats`` is the shortest stretch of which the clock says where in it the song is.
    """

    line: TempoLine
    seeks: int = 0
    from_beat: float = 0.0
    is_running: bool = False
    bar_beats: float = 1.0
