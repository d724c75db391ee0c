"""``/midi/learn ADDRESS``, then a knob is turned: one at a time, for half a minute.

While it waits no knob moves anything: the one that is looked for may be mapped already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import cast

from server.controls import replies
from server.controls.control import Control
from server.controls.desk import Desk
from server.controls.events import LearnMidi
from server.midi.decode.moves import Move
from server.midi.learning import LearnedKnob, Learning, Sends
from server.midi.mappings.mapping import TAKEOVERS, MidiMapError, Takeover
from server.midi.mappings.relative import CODINGS
from server.system.callbacks import Later

LEARN = "/midi/learn"
PATIENCE_S = 30.0
PLACE = "absolute"


@dataclass(frozen=True, eq=False)
class LearnRequest:
    """Somebody waits for a knob for ``address``; None: as it was, or as it usually is."""

    event: LearnMidi
    address: str
    takeover: Takeover | None
    learning: Learning


Learned = Callable[[LearnRequest, LearnedKnob, Move], None]
"""Told what was found, and by which move."""


class MidiLearn:
    """Used by the thread of the event loop."""

    def __init__(self, desk: Desk, later: Later, learned: Learned) -> None:
        self._desk = desk
        self._later = later
        self._learned = learned
        self._lesson: LearnRequest | None = None

    def begin(self, event: LearnMidi) -> None:
        """Wait for a knob from now on; without an address, for none any more."""
        if not event.words:
            self._end("cancelled")
            event.answer(replies.done(LEARN))
            return
        try:
            lesson = self._lesson_of(event)
        except MidiMapError as error:
            event.answer(replies.fail(LEARN, str(error)))
            return
        self._end(f"{lesson.address} is learned instead")
        self._lesson = lesson
        self._later(PATIENCE_S, lambda: self._expire(lesson))

    def hear(self, move: Move) -> bool:
        """Whether somebody waits for a knob, so that ``move`` is no more than that."""
        lesson = self._lesson
        if lesson is None:
            return False
        if found := lesson.learning.hear(move):
            if lesson.address in self._desk.table.slots:
                self._lesson = None
                self._learned(lesson, found, move)
            else:
                self._end("the model that plays now has no such control")
        return True

    def gone(self, ports: Iterable[str], are_left: bool) -> None:
        """These ports are not there any more."""
        if self._lesson is None:
            return
        pulled = sorted(self._lesson.learning.ports & set(ports))
        if pulled:
            self._end(f"the MIDI port '{pulled[0]}' has gone; learn again when it is back")
        elif not are_left:
            self._end("no MIDI port is left")

    def _expire(self, lesson: LearnRequest) -> None:
        if self._lesson is lesson:
            self._end(f"no knob was turned far enough in {PATIENCE_S:g} s")

    def _end(self, why: str) -> None:
        lesson, self._lesson = self._lesson, None
        if lesson is not None:
            lesson.event.answer(replies.fail(LEARN, f"{lesson.address}: {why}"))

    def _lesson_of(self, event: LearnMidi) -> LearnRequest:
        address, *words = event.words
        mappable(self._desk, address)
        takeovers = [takeover for takeover in TAKEOVERS for word in words if word == takeover]
        sends = [word for word in words if word in (*CODINGS, PLACE)]
        if len(takeovers) > 1 or len(sends) > 1 or len(takeovers) + len(sends) < len(words):
            allowed = f"{', '.join(TAKEOVERS)}; {', '.join((*CODINGS, PLACE))}"
            raise MidiMapError(f"{' '.join(words)!r:.60}; allowed is one each of: {allowed}")
        sent = None if not sends else "place" if sends == [PLACE] else sends[0]
        takeover = takeovers[0] if takeovers else None
        return LearnRequest(event, address, takeover, Learning(cast(Sends, sent)))


def mappable(desk: Desk, address: str) -> Control:
    """The control at ``address``, if a knob can move it.

    Raises:
        MidiMapError: it cannot, or there is none.
    """
    control = desk.table.controls.get(address)
    if control is None:
        raise MidiMapError(f"{address!r:.60} is no control; --list-controls shows them all")
    if not control.midi:
        raise MidiMapError(f"{address} is nothing that a knob can move")
    return control
