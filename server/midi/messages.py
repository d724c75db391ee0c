"""MIDI messages to what moved. Pure: the decoder's memory goes in and out.

Control changes 0-31 may have a low half 32 higher (MIDI 1.0 detailed specification, "control
change"): the two are read as 14 bits from the first low half on, and never before, so that a plain
knob reaches its top.

    high only:           value = high                 of 127
    low half seen once:  value = high * 128 + low     of 16383
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from mido import Message

from server.midi.moves import Knob, Move

_HALVES = 32
"""How far a low half lies above its high half, and how many there are."""

SEVEN_BITS = 127
FOURTEEN_BITS = 16383
BEND_CENTRE = 8192


@dataclass(frozen=True)
class ChannelMemory:
    """The last halves of one port's channel, by the number of the high half; a number in ``low``
    is a knob of 14 bits."""

    high: Mapping[int, int] = field(default_factory=dict)
    low: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Memory:
    """What was heard so far, by port and channel."""

    channels: Mapping[tuple[str, int], ChannelMemory] = field(default_factory=dict)


def moves_of(memory: Memory, port: str, message: Message) -> tuple[Memory, tuple[Move, ...]]:
    """What a message from ``port`` moved, and what to remember for the next one."""
    if message.type == "pitchwheel":
        knob = Knob(port, message.channel, "bend")
        return memory, (Move(knob, message.pitch + BEND_CENTRE, FOURTEEN_BITS),)
    if message.type != "control_change":
        return memory, ()
    key = (port, message.channel)
    before = memory.channels.get(key, ChannelMemory())
    after, turned = _turned(before, message.control, message.value)
    memory = replace(memory, channels={**memory.channels, key: after})
    if turned is None:
        return memory, ()
    number, value, largest = turned
    return memory, (Move(Knob(port, message.channel, "cc", number), value, largest),)


def _turned(
    memory: ChannelMemory, control: int, value: int
) -> tuple[ChannelMemory, tuple[int, int, int] | None]:
    """Number, value and largest value of the knob behind a control change; None: half a knob."""
    if _HALVES <= control < 2 * _HALVES:
        number = control - _HALVES
        memory = replace(memory, low={**memory.low, number: value})
    else:
        number = control
        memory = replace(memory, high={**memory.high, number: value})
    if number not in memory.high:
        return memory, None
    high = memory.high[number]
    if number not in memory.low:
        return memory, (number, high, SEVEN_BITS)
    return memory, (number, high * 128 + memory.low[number], FOURTEEN_BITS)
