"""Control changes of 7 and of 14 bits: when 32-63 are the LSBs of 0-31, and when knobs.

A knob may send its LSB 32 numbers above its MSB (MIDI 1.0 detailed specification, "control
change"); as many controllers have plain knobs and buttons there. So a pair begins only when an LSB
comes next to its MSB, and a plain knob still reaches its top; it ends when the MSB comes several
times without the LSB.

    MSB only:   value = MSB               of 127
    a pair:     value = MSB * 128 + LSB   of 16383
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from server.midi.decode.moves import FOURTEEN_BITS, SEVEN_BITS

LSB_OFFSET = 32
"""From the number of an MSB to that of its LSB; also how many of them there are."""

PLAIN_AFTER = 4
"""MSBs in a row, without an LSB, that only a plain knob sends."""


@dataclass(frozen=True)
class Cc14Reading:
    """A knob's number, its value, and the largest value that it can have."""

    number: int
    value: int
    largest: int


@dataclass(frozen=True)
class Cc14State:
    """The last bytes of one knob; ``lsb`` is None for a knob of 7 bits.

    ``msbs_in_row`` counts the MSBs since the last LSB.
    """

    msb: int = 0
    lsb: int | None = None
    msbs_in_row: int = 0

    def reading(self, number: int) -> Cc14Reading:
        """Return the value, as that of the knob ``number``."""
        if self.lsb is None:
            return Cc14Reading(number, self.msb, SEVEN_BITS)
        return Cc14Reading(number, self.msb * 128 + self.lsb, FOURTEEN_BITS)


@dataclass(frozen=True)
class Cc14Decoder:
    """The knobs of one channel by number, and the ``last`` control change and its value."""

    knobs: Mapping[int, Cc14State] = field(default_factory=dict)
    last: tuple[int, int] | None = None


def decode(decoder: Cc14Decoder, control: int, value: int) -> tuple[Cc14Decoder, Cc14Reading]:
    """Decode one control change; return the next decoder and the knob's new value."""
    number = control - LSB_OFFSET
    previous = decoder.knobs.get(number)
    follows_msb = decoder.last is not None and decoder.last[0] == number
    is_lsb = previous and (follows_msb or previous.lsb is not None)
    if LSB_OFFSET <= control < 2 * LSB_OFFSET and previous and is_lsb:
        knob = replace(previous, lsb=value, msbs_in_row=0)
    else:
        number, knob = control, _with_msb(decoder, control, value)
    return Cc14Decoder({**decoder.knobs, number: knob}, (control, value)), knob.reading(number)


def _with_msb(decoder: Cc14Decoder, control: int, value: int) -> Cc14State:
    previous = decoder.knobs.get(control, Cc14State())
    lsb, msbs_in_row = previous.lsb, previous.msbs_in_row + 1
    if msbs_in_row >= PLAIN_AFTER:
        lsb = None
    if decoder.last and control < LSB_OFFSET and decoder.last[0] == control + LSB_OFFSET:
        lsb, msbs_in_row = decoder.last[1], 0
    return Cc14State(value, lsb, msbs_in_row)
