"""MIDI messages to what moved. Pure: the decoder's memory goes in and out.

    control change          cc, of 7 or 14 bits (``halves``), or nrpn and rpn (``parameters``)
    pitch bend              bend, 0 to 16383, 8192 where it rests
    pressure                pressure of a channel, poly of a key
    note on, note off       velocity of a key, 0 when it is released
    program change          program

Each port is a controller of its own. Where it has an MPE zone (``mpe``), what its channels bend,
press and move with CC74 is one knob each, on the master channel. All notes off and all sound off
release what is held; other channel mode messages (control changes 120-127) are no knobs and move
nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from mido import Message

from server.midi.decode import cc14 as halves
from server.midi.decode import mpe, parameters
from server.midi.decode.cc14 import Cc14Decoder
from server.midi.decode.moves import BEND_CENTRE, FOURTEEN_BITS, SEVEN_BITS, Kind, Knob, Move
from server.midi.decode.mpe import Change, Zone
from server.midi.decode.parameters import Parameters, ParameterValue

_ALL_SOUND_OFF, _RESET_ALL, _ALL_NOTES_OFF = 120, 121, 123
_FIRST_MODE_MESSAGE = 120

_DIMENSIONS: Mapping[mpe.Dimension, tuple[Kind, int]] = {
    "bend": ("bend", 0),
    "timbre": ("cc", mpe.TIMBRE),
    "pressure": ("pressure", 0),
}


@dataclass(frozen=True)
class DecoderState:
    """What one port has said so far; the first two by channel, ``held`` are channels and keys."""

    halves: Mapping[int, Cc14Decoder] = field(default_factory=dict)
    parameters: Mapping[int, Parameters] = field(default_factory=dict)
    zone: Zone = field(default_factory=Zone)
    held: tuple[tuple[int, int], ...] = ()


Decoded = tuple[DecoderState, Sequence[Move]]
"""What to remember, and what moved."""


def moves_of(memory: DecoderState, port: str, message: Message) -> Decoded:
    """What a message from ``port`` moved, and what to remember for its next one."""
    read = _READERS.get(message.type)
    return read(memory, port, message) if read else (memory, ())


def released(memory: DecoderState, port: str, channels: Sequence[int] = range(16)) -> Decoded:
    """Let go of all that is held on some channels: the port has gone, or said so."""
    moves: list[Move] = []
    for channel, key in [note for note in memory.held if note[0] in channels]:
        memory, more = _key(memory, port, channel, key, 0)
        moves += more
    return memory, moves


def newest(moves: Sequence[Move]) -> tuple[Move, ...]:
    """``moves`` that came at once, where of each knob only the last one counts.

    Keys and programs stay all, and nothing is taken past them. So do steps, and knobs of 7 bits,
    whose values may be steps as well (``relative``).
    """
    kept: list[Move] = []
    later: set[Knob] = set()
    for move in reversed(moves):
        kind = move.knob.kind
        if kind in ("velocity", "program"):
            later.clear()
        elif kind in ("bend", "pressure", "poly") or (move.largest > SEVEN_BITS and not move.steps):
            if move.knob in later:
                continue
            later.add(move.knob)
        kept.append(move)
    return tuple(reversed(kept))


def _bent(memory: DecoderState, port: str, message: Message) -> Decoded:
    value = message.pitch + BEND_CENTRE
    if memory.zone.has(message.channel):
        return _in_zone(memory, port, memory.zone.moved(message.channel, "bend", value))
    return memory, [Move(Knob(port, message.channel, "bend"), value, FOURTEEN_BITS)]


def _pressed(memory: DecoderState, port: str, message: Message) -> Decoded:
    if memory.zone.has(message.channel):
        return _in_zone(memory, port, memory.zone.moved(message.channel, "pressure", message.value))
    return memory, [Move(Knob(port, message.channel, "pressure"), message.value, SEVEN_BITS)]


def _key_pressed(memory: DecoderState, port: str, message: Message) -> Decoded:
    knob = Knob(port, message.channel, "poly", message.note)
    return memory, [Move(knob, message.value, SEVEN_BITS)]


def _programmed(memory: DecoderState, port: str, message: Message) -> Decoded:
    return memory, [Move(Knob(port, message.channel, "program"), message.program, SEVEN_BITS)]


def _note_on(memory: DecoderState, port: str, message: Message) -> Decoded:
    return _key(memory, port, message.channel, message.note, message.velocity)


def _note_off(memory: DecoderState, port: str, message: Message) -> Decoded:
    return _key(memory, port, message.channel, message.note, 0)


def _key(memory: DecoderState, port: str, channel: int, key: int, velocity: int) -> Decoded:
    """A key goes down, or up with velocity 0; its note's own bend, CC74 and pressure come first."""
    others = tuple(note for note in memory.held if note != (channel, key))
    memory = replace(memory, held=(*others, (channel, key)) if velocity else others)
    moves: Sequence[Move] = ()
    master = channel
    if memory.zone.has(channel):
        zone, master = memory.zone, mpe.MASTER
        settled = zone.pressed(channel, key) if velocity else zone.released(channel, key)
        memory, moves = _in_zone(memory, port, settled)
    return memory, [*moves, Move(Knob(port, master, "velocity", key), velocity, SEVEN_BITS)]


def _controlled(memory: DecoderState, port: str, message: Message) -> Decoded:
    channel, control, value = message.channel, message.control, message.value
    if control >= _FIRST_MODE_MESSAGE:
        return _mode_changed(memory, port, channel, control)
    before = memory.parameters.get(channel, Parameters())
    if before.takes(control):
        after, entered = parameters.heard(before, control, value)
        memory = replace(memory, parameters={**memory.parameters, channel: after})
        return _entered(memory, port, channel, entered) if entered else (memory, ())
    if control == mpe.TIMBRE and memory.zone.has(channel):
        return _in_zone(memory, port, memory.zone.moved(channel, "timbre", value))
    knobs, read = halves.turned(memory.halves.get(channel, Cc14Decoder()), control, value)
    memory = replace(memory, halves={**memory.halves, channel: knobs})
    return memory, [Move(Knob(port, channel, "cc", read.number), read.value, read.largest)]


def _mode_changed(memory: DecoderState, port: str, channel: int, control: int) -> Decoded:
    if control in (_ALL_SOUND_OFF, _ALL_NOTES_OFF):
        is_zone_wide = channel == mpe.MASTER and memory.zone.members > 0
        channels = range(memory.zone.members + 1) if is_zone_wide else (channel,)
        return released(memory, port, channels)
    if control == _RESET_ALL and channel in memory.parameters:
        none = memory.parameters[channel].none_selected()
        memory = replace(memory, parameters={**memory.parameters, channel: none})
    return memory, ()


def _entered(memory: DecoderState, port: str, channel: int, entered: ParameterValue) -> Decoded:
    """A parameter has got a value: one of MPE's own, or a knob's."""
    read = entered.reading
    if entered.kind == "rpn" and read.number == mpe.CONFIGURATION:
        members = read.value if read.largest == SEVEN_BITS else read.value // 128
        return _in_zone(memory, port, memory.zone.configured(channel, members))
    if entered.kind == "rpn" and read.number == mpe.BEND_RANGE and memory.zone.has(channel):
        return memory, ()
    knob = Knob(port, channel, entered.kind, read.number)
    return memory, [Move(knob, read.value, read.largest, entered.steps)]


def _in_zone(memory: DecoderState, port: str, settled: tuple[Zone, Sequence[Change]]) -> Decoded:
    """What has changed for an MPE zone as a whole, as knobs of its master channel."""
    zone, changes = settled
    moves = [
        Move(Knob(port, mpe.MASTER, *_DIMENSIONS[dimension]), value, mpe.LARGEST[dimension])
        for dimension, value in changes
    ]
    return replace(memory, zone=zone), moves


_READERS: Mapping[str, Callable[[DecoderState, str, Message], Decoded]] = {
    "control_change": _controlled,
    "pitchwheel": _bent,
    "aftertouch": _pressed,
    "polytouch": _key_pressed,
    "note_on": _note_on,
    "note_off": _note_off,
    "program_change": _programmed,
}
