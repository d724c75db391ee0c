"""Who says how fast it goes: the hands, MIDI clock or Ableton Link, by ``/clock``.

Whoever it is moves ``/tempo`` as a hand does, so that everyone who looks there sees it and the
engine knows nothing of clocks. A tempo by hand is refused while MIDI says it, and is the session's
while it is Link.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Protocol

from mido import Message

from server.callbacks import Later
from server.clock.link import LinkClock, LinkUnavailable, why_no_link
from server.clock.midi import MidiClock
from server.clock.source import TempoLine
from server.clock.tap import TapTempo as Taps
from server.controls.addresses import (
    AS_RECORDED,
    CLOCK,
    CLOCKS,
    FASTEST_BPM,
    INTERNAL,
    LINK,
    MIDI,
    POSITION,
    SLOWEST_BPM,
    TEMPO,
)
from server.controls.desk import Desk
from server.controls.events import Event, Play, SetControl, Stop, TapTempo
from server.controls.replies import Argument
from server.osc.time_tags import unix_s

logger = logging.getLogger(__name__)

LOOKING_INTERVAL_S = 0.05
"""Between two looks at Link."""
DIFFERS_BPM = 0.1
"""A tempo that changes by less is not passed on: that is jitter."""
DEFAULT_BPM = 120.0
"""Of a Link session that we begin and that nobody gave a tempo."""

_MIDI_MESSAGES = ("clock", "start", "continue", "stop", "songpos")


class Session(Protocol):
    """A clock that many set, such as ``LinkClock``."""

    @property
    def line(self) -> TempoLine:
        """Tempo and beat now."""

    @property
    def peers(self) -> int:
        """How many others there are."""

    def set_tempo(self, tempo_bpm: float) -> None:
        """A new one for all."""

    def close(self) -> None:
        """Leave."""


class Clocks:
    """The clocks and the taps; used by the thread of the event loop."""

    def __init__(
        self,
        desk: Desk,
        carry_out: Callable[[tuple[Event, ...]], None],
        later: Later,
        *,
        heard_bpm: Callable[[], float | None] = lambda: None,
        open_link: Callable[[float], Session] = LinkClock,
        why_no_link: Callable[[], str | None] = why_no_link,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        """``carry_out`` takes events of the clock; ``heard_bpm`` is the tempo now heard."""
        self._desk = desk
        self._carry_out = carry_out
        self._later = later
        self._heard_bpm = heard_bpm
        self._open_link = open_link
        self._why_no_link = why_no_link
        self._now_s = now_s
        self._taps = Taps()
        self._midi = MidiClock()
        self._link: Session | None = None

    @property
    def choice(self) -> str:
        """``internal``, ``midi`` or ``link``."""
        return CLOCKS[int(self._desk.snapshot().value(CLOCK))]

    @property
    def line(self) -> TempoLine | None:
        """What the clock says now; None for the internal one, and before it is sure."""
        if self._link is not None:
            return self._link.line
        return self._midi.line if self.choice == MIDI else None

    def status(self) -> Mapping[str, Argument]:
        """Its part of ``/status.reply``: the tempo heard (0: unknown), and the clock."""
        line = self.line
        return {
            "tempo_bpm": float(self._heard_bpm() or 0.0),
            "clock": self.choice,
            "clock_bpm": line.tempo_bpm if line else 0.0,
            "clock_beat": line.beat_at(self._now_s()) if line else 0.0,
            "link_peers": self._link.peers if self._link else 0,
        }

    def why_not(self, event: Event, among: tuple[Event, ...]) -> str | None:
        """In one line why ``event``, one ``among`` others, cannot be; None if it can."""
        if isinstance(event, SetControl) and event.address == CLOCK:
            return self._why_no_link() if CLOCKS[int(event.values[0])] == LINK else None
        is_tempo = isinstance(event, SetControl) and event.address == TEMPO
        if not (is_tempo or isinstance(event, TapTempo)):
            return None
        choice = self._choice_before(event, among)
        if choice == MIDI:
            return "the tempo is MIDI clock's; /clock internal first"
        if choice == LINK and isinstance(event, SetControl) and event.values[0] == AS_RECORDED:
            return (
                f"a Link session has a tempo, {SLOWEST_BPM:g} to {FASTEST_BPM:g} bpm; "
                "/clock internal first"
            )
        return None

    def time_of(self, time_tag: int | None) -> float:
        """When something was meant to be, in s of the system's clock."""
        now_s = self._now_s()
        return now_s if time_tag is None else unix_s(time_tag, now_s)

    def follow(self, event: Event, at_s: float) -> None:
        """``event`` has been carried out, and was meant to be at ``at_s``."""
        match event:
            case TapTempo():
                if bpm := self._taps.tap(at_s):
                    self._set_tempo(bpm)
            case SetControl(address=address) if address == CLOCK:
                self._choose_or_stay()
            case SetControl(address=address, values=(bpm, *_)) if address == TEMPO and bpm:
                if self._link is not None and abs(self._link.line.tempo_bpm - bpm) > 1e-3:
                    self._link.set_tempo(bpm)

    def choose(self) -> None:
        """Begin or end what ``/clock`` says.

        Raises:
            LinkUnavailable: it says Link, and there is none.
        """
        wanted = self.choice
        if wanted == LINK and self._link is None:
            bpm = self._desk.snapshot().value(TEMPO) or self._heard_bpm() or DEFAULT_BPM
            self._link = self._open_link(bpm)
            self._look()
        elif wanted != LINK:
            self.stop()
        if wanted == MIDI:
            self._follow_line(self._midi.line)

    def _choose_or_stay(self) -> None:
        """A score or preset may ask for Link where there is none; ``/clock`` then is internal."""
        try:
            self.choose()
        except LinkUnavailable as error:
            logger.warning("%s; the clock is internal", error)
            self._carry_out((SetControl(CLOCK, (float(CLOCKS.index(INTERNAL)),)),))

    def stop(self) -> None:
        """Leave what was joined. May be called twice."""
        if self._link is not None:
            self._link.close()
            self._link = None

    def hear(self, message: Message, at_s: float) -> bool:
        """Take a MIDI message that came at ``at_s``; whether it was one for clocks."""
        if message.type not in _MIDI_MESSAGES:
            return False
        is_followed = self.choice == MIDI
        match message.type:
            case "clock":
                self._midi.tick(at_s)
                if is_followed:
                    self._follow_line(self._midi.line)
            case "songpos":
                self._midi.seek(message.pos)
            case "start":
                self._midi.seek(0)
                if is_followed:
                    self._carry_out((SetControl(POSITION, (0.0,)), Play()))
            case "continue" if is_followed:
                self._carry_out((Play(),))
            case "stop" if is_followed:
                self._carry_out((Stop(),))
        return True

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
        """Follow Link, for as long as it is chosen."""
        if self._link is None:
            return
        self._follow_line(self._link.line)
        self._later(LOOKING_INTERVAL_S, self._look)

    def _follow_line(self, line: TempoLine | None) -> None:
        if line is None:
            return
        present_bpm = self._desk.snapshot().value(TEMPO)
        smallest_bpm = DIFFERS_BPM if self._link is None else 1e-3
        if abs(line.tempo_bpm - present_bpm) > smallest_bpm:
            self._set_tempo(line.tempo_bpm)

    def _set_tempo(self, bpm: float) -> None:
        within_bpm = min(max(bpm, SLOWEST_BPM), FASTEST_BPM)
        self._carry_out((SetControl(TEMPO, (within_bpm,)),))
