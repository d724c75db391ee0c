"""A session of Ableton Link that we have joined: what the playhead follows of it, look by look.

Peers agree on tempo and on the place within a bar; where the song began each says for itself. So
beats count from the session's own 0 until a peer starts it, and from the next bar on then. Start
and stop are shared with the peers who want that (Link's "start stop sync").
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Protocol

from server.clock.link import QUANTUM
from server.clock.tempo_line import Lead, TempoLine
from server.controls.events import Event, Stop

LEAPS_BEATS = 0.25
"""Between two looks: not jitter, another session was met."""


class LinkSession(Protocol):
    """A clock that many set, such as ``LinkClock``."""

    @property
    def line(self) -> TempoLine:
        """Tempo and beat now."""

    @property
    def peers(self) -> int:
        """How many others there are."""

    @property
    def is_playing(self) -> bool:
        """Whether somebody has started it."""

    def set_tempo(self, tempo_bpm: float) -> None:
        """A new one for all."""

    def set_playing(self, is_playing: bool) -> None:
        """Start or stop for all who want it."""

    def close(self) -> None:
        """Leave."""


class JoinedSession:
    """Looks at a session, in the thread of the event loop."""

    def __init__(self, session: LinkSession) -> None:
        self.session = session
        self._line = session.line
        self._is_playing = session.is_playing
        self._song_beat = self._from_beat = 0.0
        self._seeks = 0

    @property
    def lead(self) -> Lead:
        """What is to be followed, as of the last look."""
        line = replace(self._line, beat=self._line.beat - self._song_beat)
        return Lead(line, self._seeks, self._from_beat, self._is_playing, QUANTUM)

    def look(self) -> tuple[Event, ...]:
        """See what the others did; what is to be done at once."""
        before, line = self._line, self.session.line
        self._line = line
        if abs(before.beat_at(line.at_s) - line.beat) > LEAPS_BEATS:
            self._seek(song_beat=0.0, from_beat=line.beat)
        if self.session.is_playing == self._is_playing:
            return ()
        self._is_playing = not self._is_playing
        if not self._is_playing:
            return (Stop(),)
        self._seek(song_beat=math.ceil(line.beat / QUANTUM) * QUANTUM, from_beat=0.0)
        return ()

    def set_playing(self, is_playing: bool) -> None:
        """A hand has started or stopped; the others may do as much."""
        if is_playing != self._is_playing:
            self._is_playing = is_playing
            self.session.set_playing(is_playing)

    def _seek(self, song_beat: float, from_beat: float) -> None:
        self._song_beat, self._from_beat = song_beat, from_beat
        self._seeks += 1
