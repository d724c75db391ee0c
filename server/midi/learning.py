"""Which knob was meant: the first that is moved like one that somebody turns. Pure.

A knob that jitters goes back and forth by a step or two, so what counts is how far one went:

    knob, fader, wheel   four places or more, an eighth of its way apart
    button               its bottom and its top, and nothing else
    pad, key             pressed and let go
    endless encoder      sends the same small steps again and again, as nothing that sends its place
                         does, for that sends only what is new

An encoder's coding shows when it is turned both ways, up first: then the two directions' values
differ, and the first is up. Turned one way only, it is 2's complement or bin offset, by whether its
values lie around 0 or around 64; these two are the usual ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from server.midi.decode.moves import SEVEN_BITS, Knob, Move
from server.midi.mappings.relative import Coding, steps

Sends = Coding | Literal["place"] | None
"""What a knob is known to send: steps of a coding, or where it is; None is to be found out."""

PLACES = 4
TRAVEL = 1 / 8
"""Of its way: far beyond jitter, and as far as a hand turns a knob at once."""
STEPS = 8
"""Of an encoder: as far beyond one that was brushed."""
ONE_WAY_MOVES = 16
"""Without the other direction an encoder has to be this sure."""
KEPT = 64
FASTEST = 15
"""Steps that an encoder says in one message, at most, when it is turned by hand."""


@dataclass(frozen=True)
class LearnedKnob:
    """The knob, the coding of an endless encoder (None: it sends its place), and 7 or 14 bits."""

    knob: Knob
    relative: Coding | None
    bits: int


class Learning:
    """Hears what is moved until one knob stands out."""

    def __init__(self, sends: Sends = None) -> None:
        self._sends = sends
        self._moves: dict[Knob, tuple[Move, ...]] = {}

    def hear(self, move: Move) -> LearnedKnob | None:
        """What was meant, as soon as that is clear."""
        if move.knob.kind == "program":
            return None
        moves = _kept((*self._moves.get(move.knob, ()), move))
        self._moves[move.knob] = moves
        return found_in(moves, self._sends)

    @property
    def ports(self) -> set[str]:
        """Where something was moved."""
        return {knob.port for knob in self._moves}


def _kept(moves: tuple[Move, ...]) -> tuple[Move, ...]:
    """The newest, and how far it went before: a fine knob that is turned slowly sends many."""
    if len(moves) <= KEPT:
        return moves
    by_place = sorted(moves, key=lambda move: move.position)
    return (by_place[0], by_place[-1], *moves[3 - KEPT :])


def found_in(moves: Sequence[Move], sends: Sends = None) -> LearnedKnob | None:
    """What the moves of one knob show: which it is, or None: not enough yet."""
    last = moves[-1]
    values = [move.value for move in moves if move.largest == last.largest]
    is_seven_bits = last.largest == SEVEN_BITS
    bits = 7 if is_seven_bits else 14
    if sends is not None and sends != "place":
        return LearnedKnob(last.knob, sends, bits) if _went(sends, values) >= STEPS else None
    repeats = sum(one == other for one, other in pairwise(values))
    may_step = sends is None and is_seven_bits and last.knob.kind == "cc"
    if may_step and (repeats >= 2 or _are_extremes(values)):
        coding = coding_of(values)
        return LearnedKnob(last.knob, coding, bits) if coding and repeats >= 2 else None
    is_struck = last.knob.kind == "velocity" and last.value == 0 and len(values) > 1
    if is_struck or _is_button(values, last.largest) or _is_turned(values, last.largest):
        return LearnedKnob(last.knob, None, bits)
    return None


def coding_of(values: Sequence[int]) -> Coding | None:
    """How an encoder that sent ``values`` says its steps; None: not clear, or it is none."""
    above, below = _near(values, 0), _near(values, 128)
    over, under = _near(values, 64, above=True), _near(values, 64, above=False)
    if above + below + over + under < len(values):
        return None
    sides: Mapping[tuple[bool, ...], Coding] = {
        (True, True, False, False): "2's complement",
        (False, False, True, True): "bin offset",
        (True, False, True, False): "signed bit" if values[0] < 64 else "signed bit 2",
    }
    coding = sides.get((above > 0, below > 0, over > 0, under > 0))
    if coding is None and len(values) >= ONE_WAY_MOVES and len(values) in (above, below):
        coding = "2's complement"
    if coding is None and len(values) >= ONE_WAY_MOVES and len(values) in (over, under):
        coding = "bin offset"
    return coding if coding and _went(coding, values) >= STEPS else None


def _near(values: Sequence[int], base: int, *, above: bool | None = None) -> int:
    """How many lie beside ``base``, on the side where there are values."""
    is_above = base == 0 if above is None else above
    sign = 1 if is_above else -1
    return sum(1 <= sign * (value - base) <= FASTEST for value in values)


def _went(coding: Coding, values: Sequence[int]) -> int:
    return sum(abs(steps(coding, value)) for value in values)


def _are_extremes(values: Sequence[int]) -> bool:
    """Whether they are near both ends and nowhere between: steps, or a button."""
    is_low = [value <= FASTEST for value in values]
    is_high = [value >= 128 - FASTEST for value in values]
    ends = any(is_low) and any(is_high) and sum(is_low) + sum(is_high) == len(values)
    return ends and not _is_button(values, 127)


def _is_button(values: Sequence[int], largest: int) -> bool:
    return set(values) == {0, largest}


def _is_turned(values: Sequence[int], largest: int) -> bool:
    return len(set(values)) >= PLACES and max(values) - min(values) >= largest * TRAVEL
