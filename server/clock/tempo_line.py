"""A clock's tempo and place in the music: internal, MIDI clock or Ableton Link.

The beat at a time of the system's clock is a straight line from the last reading::

    beat(time_s) = beat + (time_s - at_s) * tempo_bpm / 60
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TempoLine:
    """``beat``, with its fraction, is at ``at_s``; beats continue at ``tempo_bpm``."""

    tempo_bpm: float
    beat: float
    at_s: float

    def beat_at(self, time_s: float) -> float:
        """Return the beat at ``time_s``."""
        return self.beat + (time_s - self.at_s) * self.tempo_bpm / 60


@dataclass(frozen=True)
class Lead:
    """The state of a clock that the playhead follows: replaced when it changes, never mutated.

    ``line`` counts beats from the start of the song. ``seeks`` counts how often the song was
    started or moved, last to ``from_beat``; ``is_running`` is True while it is started.
    ``bar_beats`` is the shortest period within which the clock knows the song's place.
    """

    line: TempoLine
    seeks: int = 0
    from_beat: float = 0.0
    is_running: bool = False
    bar_beats: float = 1.0
