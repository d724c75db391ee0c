"""The source of tempo and beat, chosen by ``/clock``: internal, MIDI clock or Ableton Link.

A clock sets ``/tempo`` as a client would, so its tempo can be queried and the engine needs to know
nothing of clocks; ``server.clock.phase_lock`` follows its beat. While MIDI clock is chosen, other
changes of ``/tempo`` are rejected; with Link they change the session's tempo. When a clock stops,
its tempo stays.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping

from mido import Message

from server.clock.link import LinkClock, LinkUnavailable, link_unavailable_reason
from server.clock.link_session import JoinedSession, LinkSession
from server.clock.midi_clock import MidiClock
from server.clock.phase_lock import PhaseLock
from server.clock.tap_tempo import TempoTaps
from server.clock.tempo_line import Lead, TempoLine
from server.controls.addresses import (
    AS_RECORDED,
    CLOCK,
    CLOCKS,
    DEFAULT_BPM,
    FASTEST_BPM,
    INTERNAL,
    LINK,
    MIDI,
    POSITION,
    SLOWEST_BPM,
    TEMPO,
)
from server.controls.desk import Desk
from server.controls.events import Event, Play, SetControl, Stop, Tap
from server.controls.feature import Feature, Rejection
from server.controls.playing import Playing
from server.controls.replies import Argument
from server.system.callbacks import Later

logger = logging.getLogger(__name__)

POLL_INTERVAL_S = 0.05
"""How often Link is read, and MIDI clock checked for silence."""
MIDI_TIMEOUT_S = 0.5
"""MIDI clock counts as gone after this long without a tick."""
MIN_CHANGE_BPM = 0.1
"""Smaller changes of MIDI clock's tempo are jitter, and are not passed on."""
MIN_LINK_CHANGE_BPM = 1e-3
"""The same for Link, whose tempo is exact."""

_MIDI_MESSAGES = ("clock", "start", "continue", "stop", "songpos")


class Clocks(Feature):
    """Follows the chosen clock and the taps; used by the event loop's thread."""

    def __init__(
        self,
        desk: Desk,
        playing: Playing,
        later: Later,
        lock: PhaseLock,
        *,
        open_link: Callable[[float], LinkSession] = LinkClock,
        link_unavailable_reason: Callable[[], str | None] = link_unavailable_reason,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        """``lock`` keeps the playhead on the clock's beat."""
        self._desk = desk
        self._playing = playing
        self._later = later
        self._lock = lock
        self._open_link = open_link
        self._link_unavailable_reason = link_unavailable_reason
        self._now_s = now_s
        self._taps = TempoTaps()
        self._midi = MidiClock()
        self._is_midi_present = False
        self._is_polling = False
        self._link: JoinedSession | None = None

    @property
    def choice(self) -> str:
        """The value of ``/clock``: ``internal``, ``midi`` or ``link``."""
        return CLOCKS[int(self._desk.snapshot().value(CLOCK))]

    @property
    def line(self) -> TempoLine | None:
        """The clock's tempo and beat; None for the internal clock, or if not known yet."""
        if self._link is not None:
            return self._link.lead.line
        return self._midi.line if self.choice == MIDI and self._is_midi_present else None

    def status(self) -> Mapping[str, Argument]:
        """Return the figures of ``/status.reply``: tempo of the sound (0: unknown), and clock."""
        line, error_s = self.line, self._lock.error_s
        return {
            "tempo_bpm": float(self._playing.newest.engine.tempo_bpm or 0.0),
            "clock": self.choice,
            "clock_bpm": line.tempo_bpm if line else 0.0,
            "clock_beat": line.beat_at(self._now_s()) if line else 0.0,
            "clock_locked": int(error_s is not None),
            "clock_error_ms": 1000 * (error_s or 0.0),
            "link_peers": self._link.session.peers if self._link else 0,
        }

    def rejections(self) -> Mapping[str | type[Event], Rejection]:
        """A clock that is not available; a tempo that the clock sets."""
        return {
            CLOCK: self._clock_rejection,
            TEMPO: self._tempo_rejection,
            Tap: self._tempo_rejection,
        }

    def _clock_rejection(self, event: SetControl, group: tuple[Event, ...]) -> str | None:
        is_link = CLOCKS[int(event.values[0])] == LINK
        return self._link_unavailable_reason() if is_link else None

    def _tempo_rejection(self, event: SetControl | Tap, group: tuple[Event, ...]) -> str | None:
        choice = self._choice_before(event, group)
        if choice == MIDI:
            return "MIDI clock sets the tempo; send /clock internal first"
        if choice == LINK and isinstance(event, SetControl) and event.values[0] == AS_RECORDED:
            return (
                f"a Link session needs a tempo, {SLOWEST_BPM:g} to {FASTEST_BPM:g} bpm; "
                "send /clock internal first"
            )
        return None

    def follow(self, event: Event, at_s: float) -> None:
        """Pass taps, tempo and transport on to the clock."""
        match event:
            case Tap():
                if bpm := self._taps.tap(at_s):
                    self._set_tempo(bpm)
            case SetControl(address=address) if address == CLOCK:
                self._choose_or_fall_back()
            case SetControl(address=address, values=(bpm, *_)) if address == TEMPO and bpm:
                self._set_link_tempo(bpm)
            case Play() | Stop() if self._link is not None:
                self._link.set_playing(isinstance(event, Play))

    def choose(self) -> None:
        """Start to follow the clock that ``/clock`` names, and leave the previous one.

        Raises:
            LinkUnavailable: it names Link, which is not available.
        """
        choice = self.choice
        if choice == LINK and self._link is None:
            playing_bpm = self._playing.newest.engine.tempo_bpm
            bpm = self._desk.snapshot().value(TEMPO) or playing_bpm or DEFAULT_BPM
            self._link = JoinedSession(self._open_link(bpm))
            self._lock.begin(self._link.lead.seeks)
        elif choice != LINK:
            self.stop()
        if choice == MIDI:
            self._lock.begin(self._midi.seeks)
        self._follow_clock()
        if not self._is_polling:
            self._poll()

    def _choose_or_fall_back(self) -> None:
        """Choose the clock; the internal one if a score asks for Link and it is not available."""
        try:
            self.choose()
        except LinkUnavailable as error:
            logger.warning("%s; the clock is internal", error)
            self.dispatcher.carry_out((SetControl(CLOCK, (float(CLOCKS.index(INTERNAL)),)),))

    def stop(self) -> None:
        """Leave the Link session, and follow no clock. May be called twice."""
        self._lock.lead = None
        if self._link is not None:
            self._link.session.close()
            self._link = None

    def receive(self, message: Message, at_s: float) -> bool:
        """Take a MIDI message that arrived at ``at_s``; return True if it was a clock message."""
        if message.type not in _MIDI_MESSAGES:
            return False
        match message.type:
            case "clock":
                self._midi.tick(at_s)
                self._is_midi_present = True
            case "songpos":
                self._midi.seek(message.pos)
            case "start":
                self._midi.start()
            case "continue":
                self._midi.resume()
            case "stop":
                self._midi.stop()
        if self.choice == MIDI:
            self._follow_clock()
            self._carry_out(self._transport_events(message.type))
        return True

    def _transport_events(self, kind: str) -> tuple[Event, ...]:
        """Return the events of a MIDI transport message.

        If ticks give the exact frame of a start, ``server.clock.phase_lock`` starts there instead.
        """
        if kind == "stop":
            return (Stop(),)
        if self._lock.lead is not None or kind not in ("start", "continue"):
            return ()
        return (Play(),) if kind == "continue" else (SetControl(POSITION, (0.0,)), Play())

    def _choice_before(self, event: Event, group: tuple[Event, ...]) -> str:
        """Return the value of ``/clock`` after the events that precede ``event`` in its group."""
        choice = self.choice
        for other in group:
            if other is event:
                break
            if isinstance(other, SetControl) and other.address == CLOCK:
                choice = CLOCKS[int(other.values[0])]
        return choice

    def _poll(self) -> None:
        """Read the clock now and at intervals, unless it is the internal one."""
        self._is_polling = self.choice != INTERNAL
        if not self._is_polling:
            return
        if self._link is not None:
            self._carry_out(self._link.look())
        self._check_midi_timeout()
        self._follow_clock()
        self._later(POLL_INTERVAL_S, self._poll)

    def _carry_out(self, events: tuple[Event, ...]) -> None:
        if events:
            self.dispatcher.carry_out(events)

    def _check_midi_timeout(self) -> None:
        last_s = self._midi.last_s
        if not self._is_midi_present or last_s is None or self._now_s() - last_s < MIDI_TIMEOUT_S:
            return
        self._is_midi_present = False
        if self.choice == MIDI and self._midi.is_running:
            bpm = self._desk.snapshot().value(TEMPO)
            logger.warning("MIDI clock has stopped; the tempo stays at %.1f bpm", bpm)

    def _follow_clock(self) -> None:
        """Give the clock's beat to the playhead and its tempo to ``/tempo``, if they are known."""
        self._lock.lead = lead = self._lead()
        line = lead.line if lead else self.line
        if line is None:
            return
        current_bpm = self._desk.snapshot().value(TEMPO)
        min_change_bpm = MIN_CHANGE_BPM if self._link is None else MIN_LINK_CHANGE_BPM
        if abs(line.tempo_bpm - current_bpm) > min_change_bpm:
            self._set_tempo(line.tempo_bpm)

    def _lead(self) -> Lead | None:
        """Return what the playhead can lock to."""
        if self._link is not None:
            return self._link.lead
        return self._midi.lead if self.choice == MIDI and self._is_midi_present else None

    def _set_tempo(self, bpm: float) -> None:
        within_bpm = min(max(bpm, SLOWEST_BPM), FASTEST_BPM)
        self.dispatcher.carry_out((SetControl(TEMPO, (within_bpm,)),))

    def _set_link_tempo(self, bpm: float) -> None:
        if self._link is None:
            return
        if abs(self._link.lead.line.tempo_bpm - bpm) > MIN_LINK_CHANGE_BPM:
            self._link.session.set_tempo(bpm)
