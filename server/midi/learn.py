"""Learning a mapping: ``/midi/learn ADDRESS``, then the performer turns a knob.

While a request waits, for half a minute at most, no knob moves anything: the knob that is looked
for may be mapped already. It is the first one that moves like a knob that somebody turns. A knob
that jitters goes back and forth by a step or two, so the distance counts:

    knob, fader, wheel   four values or more, an eighth of the range apart
    button               its bottom and its top, and nothing else
    pad, key             pressed and released
    endless encoder      repeats the same small steps; a knob that sends its position does not, for
                         it sends only what is new

An encoder's coding shows when it is turned both ways, up first: then the values of the two
directions differ, and the first is up. Turned one way only, it is 2's complement or bin offset, the
two usual ones, by whether its values are around 0 or around 64.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from server.controls import replies
from server.controls.control import Control
from server.controls.desk import Desk
from server.controls.events import LearnMidi
from server.midi.decode.moves import SEVEN_BITS, Knob, Move
from server.midi.mappings.mapping import CODINGS, TAKEOVERS, Coding, MidiMappingError, Takeover
from server.midi.mappings.turning import steps
from server.system.callbacks import Later

LEARN = "/midi/learn"
ABSOLUTE: Literal["absolute"] = "absolute"
PATIENCE_S = 30.0

Sends = Coding | Literal["absolute"] | None
"""The form in which a knob sends: steps of a coding, or its position; None: to be detected."""

MIN_VALUES = 4
MIN_TRAVEL = 1 / 8
"""Of the range: far beyond jitter, and no more than one turn of the hand."""
MIN_STEPS = 8
"""Of an encoder: more than brushing against it gives."""
ONE_WAY_MOVES = 16
"""An encoder that is turned one way only needs this many moves to be recognised."""
MAX_MOVES = 64
"""Moves of one knob that are remembered."""
FASTEST = 15
"""Steps that an encoder sends in one message, at most, when it is turned by hand."""


@dataclass(frozen=True)
class LearnedKnob:
    """The knob, the coding of an endless encoder (None: it sends its position), 7 or 14 bits."""

    knob: Knob
    relative: Coding | None
    bits: int


def detect(moves: Sequence[Move], sends: Sends = None) -> LearnedKnob | None:
    """Recognise a knob that somebody turns by its ``moves``; None: not yet, or it is none."""
    last = moves[-1]
    values = [move.value for move in moves if move.largest == last.largest]
    is_seven_bits = last.largest == SEVEN_BITS
    bits = 7 if is_seven_bits else 14
    if sends is not None and sends != "absolute":
        is_far = _distance(sends, values) >= MIN_STEPS
        return LearnedKnob(last.knob, sends, bits) if is_far else None
    repeats = sum(one == other for one, other in pairwise(values))
    may_step = sends is None and is_seven_bits and last.knob.kind == "cc"
    if may_step and (repeats >= 2 or _are_extremes(values)):
        coding = detect_coding(values)
        return LearnedKnob(last.knob, coding, bits) if coding and repeats >= 2 else None
    is_struck = last.knob.kind == "velocity" and last.value == 0 and len(values) > 1
    if is_struck or _is_button(values, last.largest) or _is_turned(values, last.largest):
        return LearnedKnob(last.knob, None, bits)
    return None


def detect_coding(values: Sequence[int]) -> Coding | None:
    """Return the coding of an encoder that sent ``values``; None: unclear, or it is none."""
    above_0, below_128 = _count_near(values, 0, 1), _count_near(values, 128, -1)
    above_64, below_64 = _count_near(values, 64, 1), _count_near(values, 64, -1)
    if above_0 + below_128 + above_64 + below_64 < len(values):
        return None
    both_ways: Mapping[tuple[bool, ...], Coding] = {
        (True, True, False, False): "2's complement",
        (False, False, True, True): "bin offset",
        (True, False, True, False): "signed bit" if values[0] < 64 else "signed bit 2",
    }
    coding = both_ways.get((above_0 > 0, below_128 > 0, above_64 > 0, below_64 > 0))
    if coding is None and len(values) >= ONE_WAY_MOVES and len(values) in (above_0, below_128):
        coding = "2's complement"
    if coding is None and len(values) >= ONE_WAY_MOVES and len(values) in (above_64, below_64):
        coding = "bin offset"
    return coding if coding and _distance(coding, values) >= MIN_STEPS else None


def _count_near(values: Sequence[int], base: int, sign: int) -> int:
    """Count the values beside ``base``, above it (``sign`` 1) or below it (-1)."""
    return sum(1 <= sign * (value - base) <= FASTEST for value in values)


def _distance(coding: Coding, values: Sequence[int]) -> int:
    return sum(abs(steps(coding, value)) for value in values)


def _are_extremes(values: Sequence[int]) -> bool:
    """Return whether all are near the ends, some at each: steps of an encoder, or a button."""
    is_low = [value <= FASTEST for value in values]
    is_high = [value >= 128 - FASTEST for value in values]
    ends = any(is_low) and any(is_high) and sum(is_low) + sum(is_high) == len(values)
    return ends and not _is_button(values, 127)


def _is_button(values: Sequence[int], largest: int) -> bool:
    return set(values) == {0, largest}


def _is_turned(values: Sequence[int], largest: int) -> bool:
    return len(set(values)) >= MIN_VALUES and max(values) - min(values) >= largest * MIN_TRAVEL


class KnobDetector:
    """Follows the moves of all knobs until one of them stands out."""

    def __init__(self, sends: Sends = None) -> None:
        self._sends = sends
        self._moves: dict[Knob, tuple[Move, ...]] = {}

    def take(self, move: Move) -> LearnedKnob | None:
        """Return the knob that is meant, as soon as it is clear."""
        if move.knob.kind == "program":
            return None
        moves = _limited((*self._moves.get(move.knob, ()), move))
        self._moves[move.knob] = moves
        return detect(moves, self._sends)

    @property
    def ports(self) -> set[str]:
        """The ports of the knobs that have moved."""
        return {knob.port for knob in self._moves}


def _limited(moves: tuple[Move, ...]) -> tuple[Move, ...]:
    """Return the newest, and the two extremes: a fine knob that is turned slowly sends many."""
    if len(moves) <= MAX_MOVES:
        return moves
    by_position = sorted(moves, key=lambda move: move.position)
    return (by_position[0], by_position[-1], *moves[3 - MAX_MOVES :])


@dataclass(frozen=True, eq=False)
class LearnRequest:
    """A request for a knob for ``address``; a ``takeover`` of None keeps it, or takes the default.

    ``event`` is where the answer goes.
    """

    event: LearnMidi
    address: str
    takeover: Takeover | None
    detector: KnobDetector


OnLearned = Callable[[LearnRequest, LearnedKnob, Move], None]
"""Takes a request, its knob, and the last move of that."""


class MidiLearn:
    """One request at a time; used by the thread of the event loop."""

    def __init__(self, desk: Desk, later: Later, on_learned: OnLearned) -> None:
        self._desk = desk
        self._later = later
        self._on_learned = on_learned
        self._request: LearnRequest | None = None

    def begin(self, event: LearnMidi) -> None:
        """Wait for a knob from now on; without an address, cancel the request that waits."""
        if not event.words:
            self._end("cancelled")
            event.answer(replies.done(LEARN))
            return
        try:
            request = self._request_of(event)
        except MidiMappingError as error:
            event.answer(replies.fail(LEARN, str(error)))
            return
        self._end(f"{request.address} is learned instead")
        self._request = request
        self._later(PATIENCE_S, lambda: self._expire(request))

    def take(self, move: Move) -> bool:
        """Return whether a request waits: then ``move`` serves to learn and moves no control."""
        request = self._request
        if request is None:
            return False
        if learned := request.detector.take(move):
            if request.address in self._desk.table.slots:
                self._request = None
                self._on_learned(request, learned, move)
            else:
                self._end("the model that plays now has no such control")
        return True

    def drop_ports(self, ports: Iterable[str], any_left: bool) -> None:
        """End the request if its knobs are on one of ``ports``, which have gone."""
        if self._request is None:
            return
        gone = sorted(self._request.detector.ports & set(ports))
        if gone:
            self._end(f"the MIDI port '{gone[0]}' has gone; learn again when it is back")
        elif not any_left:
            self._end("no MIDI port is left")

    def _expire(self, request: LearnRequest) -> None:
        if self._request is request:
            self._end(f"no knob was turned far enough in {PATIENCE_S:g} s")

    def _end(self, why: str) -> None:
        request, self._request = self._request, None
        if request is not None:
            request.event.answer(replies.fail(LEARN, f"{request.address}: {why}"))

    def _request_of(self, event: LearnMidi) -> LearnRequest:
        address, *words = event.words
        mappable(self._desk, address)
        takeovers = [takeover for takeover in TAKEOVERS for word in words if word == takeover]
        sends = [form for form in (*CODINGS, ABSOLUTE) for word in words if word == form]
        if len(takeovers) > 1 or len(sends) > 1 or len(takeovers) + len(sends) < len(words):
            allowed = f"{', '.join(TAKEOVERS)}; {', '.join((*CODINGS, ABSOLUTE))}"
            raise MidiMappingError(f"{' '.join(words)!r:.60}; allowed is one each of: {allowed}")
        takeover = takeovers[0] if takeovers else None
        detector = KnobDetector(sends[0] if sends else None)
        return LearnRequest(event, address, takeover, detector)


def mappable(desk: Desk, address: str) -> Control:
    """Return the control at ``address``.

    Raises:
        MidiMappingError: there is none, or no knob can move it.
    """
    control = desk.table.controls.get(address)
    if control is None:
        raise MidiMappingError(f"{address!r:.60} is no control; --list-controls shows them all")
    if not control.midi:
        raise MidiMappingError(f"{address} cannot be moved by a knob")
    return control
