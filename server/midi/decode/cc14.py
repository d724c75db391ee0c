"""Control changes of 7 and of 14 bits: when 32-63 are low halves of 0-31, and when knobs.

A knob may send its low half 32 higher than its high half (MIDI 1.0 detailed specification, "control
change"); as many controllers have plain knobs and buttons there. A pair begins where a low half
comes next to its high half, and never before, so that a plain knob reaches its top; it ends where
the high half comes several times without the low one.

    high only:   value = high                 of 127
    a pair:      value = high * 128 + low     of 16383
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from server.midi.decode.moves import FOURTEEN_BITS, SEVEN_BITS

LOW = 32
"""How far a low half lies above its high half, and how many there are."""

ALONE = 4
"""So many high halves one after the other are those of a plain knob."""


@dataclass(frozen=True)
class Cc14Reading:
    """A knob's number, its value and the largest that it can have."""

    number: int
    value: int
    largest: int


@dataclass(frozen=True)
class Cc14State:
    """The last halves of a knob; ``low`` is None for one of 7 bits.

    ``alone`` is how many high halves came since the last low one.
    """

    high: int = 0
    low: int | None = None
    alone: int = 0

    def reading(self, number: int) -> Cc14Reading:
        """Of the knob ``number``."""
        if self.low is None:
            return Cc14Reading(number, self.high, SEVEN_BITS)
        return Cc14Reading(number, self.high * 128 + self.low, FOURTEEN_BITS)


@dataclass(frozen=True)
class Cc14Decoder:
    """What the knobs of one channel have sent: pairs by number, and the last control change."""

    pairs: Mapping[int, Cc14State] = field(default_factory=dict)
    last: tuple[int, int] | None = None


def turned(halves: Cc14Decoder, control: int, value: int) -> tuple[Cc14Decoder, Cc14Reading]:
    """What a control change moved, and what to remember for the next one."""
    number = control - LOW
    before = halves.pairs.get(number)
    is_next = halves.last is not None and halves.last[0] == number
    if LOW <= control < 2 * LOW and before and (is_next or before.low is not None):
        pair = replace(before, low=value, alone=0)
    else:
        number, pair = control, _high(halves, control, value)
    pairs = {**halves.pairs, number: pair}
    return Cc14Decoder(pairs, (control, value)), pair.reading(number)


def _high(halves: Cc14Decoder, control: int, value: int) -> Cc14State:
    before = halves.pairs.get(control, Cc14State())
    low, alone = before.low, before.alone + 1
    if alone >= ALONE:
        low = None
    if halves.last and control < LOW and halves.last[0] == control + LOW:
        low, alone = halves.last[1], 0
    return Cc14State(value, low, alone)
