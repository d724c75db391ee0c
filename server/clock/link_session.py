"""The Ableton Link session as a clock that the playhead follows.

Peers agree on tempo and on the place within a bar; each decides for itself where the song began. So
beats count from the session's own 0 until a peer starts it, and from the next bar on then. Start
and stop are shared with the peers that enable it (Link's "start stop sync").
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Protocol

from server.clock.link import QUANTUM
from server.clock.tempo_line import Lead, TempoLine
from server.controls.events import Event, Stop

JUMP_BEATS = 0.25
"""A larger change between two polls is no jitter: another session was joined."""


class LinkSession(Protocol):
    """A clock shared by several peers, such as ``LinkClock``."""

    @property
    def line(self) -> TempoLine:
        """Tempo and beat now."""

    @property
    def peers(self) -> int:
        """The number of other peers."""

    @property
    def is_playing(self) -> bool:
        """True if a peer has started it."""

    def set_tempo(self, tempo_bpm: float) -> None:
        """Set the tempo for all peers."""

    def set_playing(self, is_playing: bool) -> None:
        """Start or stop for all peers that share it."""

    def close(self) -> None:
        """Leave the session."""


class JoinedSession:
    """Polls a session, in the event loop's thread."""

    def __init__(self, session: LinkSession) -> None:
        self.session = session
        self._line = session.line
        self._is_playing = session.is_playing
        self._song_beat = self._from_beat = 0.0
        self._seeks = 0

    @property
    def lead(self) -> Lead:
        """The clock to follow, as of the last poll."""
        line = replace(self._line, beat=self._line.beat - self._song_beat)
        return Lead(line, self._seeks, self._from_beat, self._is_playing, QUANTUM)

    def look(self) -> tuple[Event, ...]:
        """Read the session; return the events to carry out at once."""
        previous, line = self._line, self.session.line
        self._line = line
        if abs(previous.beat_at(line.at_s) - line.beat) > JUMP_BEATS:
            self._seek(song_beat=0.0, from_beat=line.beat)
        if self.session.is_playing == self._is_playing:
            return ()
        self._is_playing = not self._is_playing
        if not self._is_playing:
            return (Stop(),)
        self._seek(song_beat=math.ceil(line.beat / QUANTUM) * QUANTUM, from_beat=0.0)
        return ()

    def set_playing(self, is_playing: bool) -> None:
        """Start or stop from a control; peers that share it follow."""
        if is_playing != self._is_playing:
            self._is_playing = is_playing
            self.session.set_playing(is_playing)

    def _seek(self, song_beat: float, from_beat: float) -> None:
        self._song_beat, self._from_beat = song_beat, from_beat
        self._seeks += 1
