"""Who says tempo and beat: the hands, MIDI clock or Ableton Link, by ``/clock``.

Whoever it is moves ``/tempo`` as a hand does, so that everyone who looks there sees it and the
engine knows nothing of clocks; ``server.clock.phase_lock`` keeps its beat. A tempo by hand is
refused while MIDI says it, and is the session's while it is Link. A clock that is gone leaves its
tempo.
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

LOOKING_INTERVAL_S = 0.05
"""Between two looks at Link, or whether MIDI clock is still there."""
SILENT_S = 0.5
"""A MIDI clock that does not tick for so long is gone."""
DIFFERS_BPM = 0.1
"""A tempo that changes by less is not passed on: that is jitter."""

_MIDI_MESSAGES = ("clock", "start", "continue", "stop", "songpos")


class Clocks(Feature):
    """The clocks and the taps; used by the thread of the event loop."""

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
        self._is_midi_there = False
        self._is_looking = False
        self._link: JoinedSession | None = None

    @property
    def choice(self) -> str:
        """``internal``, ``midi`` or ``link``."""
        return CLOCKS[int(self._desk.snapshot().value(CLOCK))]

    @property
    def line(self) -> TempoLine | None:
        """What the clock says now; None for the internal one, and before it is sure."""
        if self._link is not None:
            return self._link.lead.line
        return self._midi.line if self.choice == MIDI and self._is_midi_there else None

    def status(self) -> Mapping[str, Argument]:
        """Its part of ``/status.reply``: the tempo heard (0: unknown), and the clock."""
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
        """A clock that is not there; a tempo that another clock sets."""
        return {
            CLOCK: self._clock_rejection,
            TEMPO: self._tempo_rejection,
            Tap: self._tempo_rejection,
        }

    def _clock_rejection(self, event: SetControl, among: tuple[Event, ...]) -> str | None:
        is_link = CLOCKS[int(event.values[0])] == LINK
        return self._link_unavailable_reason() if is_link else None

    def _tempo_rejection(self, event: SetControl | Tap, among: tuple[Event, ...]) -> str | None:
        choice = self._choice_before(event, among)
        if choice == MIDI:
            return "the tempo is MIDI clock's; /clock internal first"
        if choice == LINK and isinstance(event, SetControl) and event.values[0] == AS_RECORDED:
            return (
                f"a Link session has a tempo, {SLOWEST_BPM:g} to {FASTEST_BPM:g} bpm; "
                "/clock internal first"
            )
        return None

    def follow(self, event: Event, at_s: float) -> None:
        """``event`` has been carried out, and was meant to be at ``at_s``."""
        match event:
            case Tap():
                if bpm := self._taps.tap(at_s):
                    self._set_tempo(bpm)
            case SetControl(address=address) if address == CLOCK:
                self._choose_or_stay()
            case SetControl(address=address, values=(bpm, *_)) if address == TEMPO and bpm:
                if self._link is not None and abs(self._link.lead.line.tempo_bpm - bpm) > 1e-3:
                    self._link.session.set_tempo(bpm)
            case Play() | Stop() if self._link is not None:
                self._link.set_playing(isinstance(event, Play))

    def choose(self) -> None:
        """Begin or end what ``/clock`` says.

        Raises:
            LinkUnavailable: it says Link, and there is none.
        """
        wanted = self.choice
        if wanted == LINK and self._link is None:
            heard_bpm = self._playing.newest.engine.tempo_bpm
            bpm = self._desk.snapshot().value(TEMPO) or heard_bpm or DEFAULT_BPM
            self._link = JoinedSession(self._open_link(bpm))
            self._lock.begin(self._link.lead.seeks)
        elif wanted != LINK:
            self.stop()
        if wanted == MIDI:
            self._lock.begin(self._midi.seeks)
        self._follow()
        if not self._is_looking:
            self._look()

    def _choose_or_stay(self) -> None:
        """A score or preset may ask for Link where there is none; ``/clock`` then is internal."""
        try:
            self.choose()
        except LinkUnavailable as error:
            logger.warning("%s; the clock is internal", error)
            self.dispatcher.carry_out((SetControl(CLOCK, (float(CLOCKS.index(INTERNAL)),)),))

    def stop(self) -> None:
        """Leave what was joined. May be called twice."""
        self._lock.lead = None
        if self._link is not None:
            self._link.session.close()
            self._link = None

    def hear(self, message: Message, at_s: float) -> bool:
        """Take a MIDI message that came at ``at_s``; whether it was one for clocks."""
        if message.type not in _MIDI_MESSAGES:
            return False
        match message.type:
            case "clock":
                self._midi.tick(at_s)
                self._is_midi_there = True
            case "songpos":
                self._midi.seek(message.pos)
            case "start":
                self._midi.start()
            case "continue":
                self._midi.resume()
            case "stop":
                self._midi.stop()
        if self.choice == MIDI:
            self._follow()
            self._do(self._transport(message.type))
        return True

    def _transport(self, kind: str) -> tuple[Event, ...]:
        """Events for a MIDI transport message.

        None where ticks tell the frame: ``server.clock.phase_lock`` acts in it.
        """
        if kind == "stop":
            return (Stop(),)
        if self._lock.lead is not None or kind not in ("start", "continue"):
            return ()
        return (Play(),) if kind == "continue" else (SetControl(POSITION, (0.0,)), Play())

    def _choice_before(self, event: Event, among: tuple[Event, ...]) -> str:
        """What ``/clock`` will be when it is ``event``'s turn."""
        choice = self.choice
        for one in among:
            if one is event:
                break
            if isinstance(one, SetControl) and one.address == CLOCK:
                choice = CLOCKS[int(one.values[0])]
        return choice

    def _look(self) -> None:
        """See after the clock, for as long as one is chosen."""
        self._is_looking = self.choice != INTERNAL
        if not self._is_looking:
            return
        if self._link is not None:
            self._do(self._link.look())
        self._miss_midi()
        self._follow()
        self._later(LOOKING_INTERVAL_S, self._look)

    def _do(self, events: tuple[Event, ...]) -> None:
        if events:
            self.dispatcher.carry_out(events)

    def _miss_midi(self) -> None:
        last_s = self._midi.last_s
        if not self._is_midi_there or last_s is None or self._now_s() - last_s < SILENT_S:
            return
        self._is_midi_there = False
        if self.choice == MIDI and self._midi.is_running:
            bpm = self._desk.snapshot().value(TEMPO)
            logger.warning("MIDI clock comes no more; the tempo stays at %.1f bpm", bpm)

    def _follow(self) -> None:
        """Let the playhead follow the clock: its tempo, and its beat where it says one."""
        self._lock.lead = lead = self._lead()
        line = lead.line if lead else self.line
        if line is None:
            return
        present_bpm = self._desk.snapshot().value(TEMPO)
        smallest_bpm = DIFFERS_BPM if self._link is None else 1e-3
        if abs(line.tempo_bpm - present_bpm) > smallest_bpm:
            self._set_tempo(line.tempo_bpm)

    def _lead(self) -> Lead | None:
        """What can be followed in phase."""
        if self._link is not None:
            return self._link.lead
        return self._midi.lead if self.choice == MIDI and self._is_midi_there else None

    def _set_tempo(self, bpm: float) -> None:
        within_bpm = min(max(bpm, SLOWEST_BPM), FASTEST_BPM)
        self.dispatcher.carry_out((SetControl(TEMPO, (within_bpm,)),))
