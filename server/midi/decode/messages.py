"""MIDI messages to moves. Pure: the decoder's state goes in and out.

    control change          cc, of 7 or 14 bits (``cc14``), or nrpn and rpn (``parameters``)
    pitch bend              bend, 0 to 16383, 8192 at rest
    pressure                pressure of a channel, poly of a key
    note on, note off       velocity of a key, 0 when it is released
    program change          program

Each port is a separate controller. If it has an MPE zone (``mpe``), its channels' bend, pressure
and CC74 become one knob each, on the master channel. All notes off and all sound off release what
is held; other channel mode messages (control changes 120-127) move nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from mido import Message

from server.midi.decode import cc14, mpe, parameters
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
    """The state of one port: the first two by channel, ``held`` are channels and keys."""

    cc14: Mapping[int, Cc14Decoder] = field(default_factory=dict)
    parameters: Mapping[int, Parameters] = field(default_factory=dict)
    zone: Zone = field(default_factory=Zone)
    held: tuple[tuple[int, int], ...] = ()


Decoded = tuple[DecoderState, Sequence[Move]]
"""The next state, and the moves of one message."""


def moves_of(state: DecoderState, port: str, message: Message) -> Decoded:
    """Decode ``message`` from ``port``."""
    read = _READERS.get(message.type)
    return read(state, port, message) if read else (state, ())


def released(state: DecoderState, port: str, channels: Sequence[int] = range(16)) -> Decoded:
    """Release every key that is held on ``channels``, as when the port has gone."""
    moves: list[Move] = []
    for channel, key in [note for note in state.held if note[0] in channels]:
        state, more = _key(state, port, channel, key, 0)
        moves += more
    return state, moves


def newest(moves: Sequence[Move]) -> tuple[Move, ...]:
    """Return ``moves`` that came together with only the last one of each knob.

    Keys and programs are all kept, and no move is taken past them. So are steps, and knobs of 7
    bits, whose values may be steps as well (``server.midi.mappings.turning``).
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


def _bend(state: DecoderState, port: str, message: Message) -> Decoded:
    value = message.pitch + BEND_CENTRE
    if state.zone.has(message.channel):
        return _in_zone(state, port, state.zone.moved(message.channel, "bend", value))
    return state, [Move(Knob(port, message.channel, "bend"), value, FOURTEEN_BITS)]


def _channel_pressure(state: DecoderState, port: str, message: Message) -> Decoded:
    if state.zone.has(message.channel):
        return _in_zone(state, port, state.zone.moved(message.channel, "pressure", message.value))
    return state, [Move(Knob(port, message.channel, "pressure"), message.value, SEVEN_BITS)]


def _key_pressure(state: DecoderState, port: str, message: Message) -> Decoded:
    knob = Knob(port, message.channel, "poly", message.note)
    return state, [Move(knob, message.value, SEVEN_BITS)]


def _program_change(state: DecoderState, port: str, message: Message) -> Decoded:
    return state, [Move(Knob(port, message.channel, "program"), message.program, SEVEN_BITS)]


def _note_on(state: DecoderState, port: str, message: Message) -> Decoded:
    return _key(state, port, message.channel, message.note, message.velocity)


def _note_off(state: DecoderState, port: str, message: Message) -> Decoded:
    return _key(state, port, message.channel, message.note, 0)


def _key(state: DecoderState, port: str, channel: int, key: int, velocity: int) -> Decoded:
    """A key goes down, or up with velocity 0; its note's own bend, CC74 and pressure come first."""
    others = tuple(note for note in state.held if note != (channel, key))
    state = replace(state, held=(*others, (channel, key)) if velocity else others)
    moves: Sequence[Move] = ()
    master = channel
    if state.zone.has(channel):
        zone, master = state.zone, mpe.MASTER
        settled = zone.pressed(channel, key) if velocity else zone.released(channel, key)
        state, moves = _in_zone(state, port, settled)
    return state, [*moves, Move(Knob(port, master, "velocity", key), velocity, SEVEN_BITS)]


def _control_change(state: DecoderState, port: str, message: Message) -> Decoded:
    channel, control, value = message.channel, message.control, message.value
    if control >= _FIRST_MODE_MESSAGE:
        return _mode_message(state, port, channel, control)
    selected = state.parameters.get(channel, Parameters())
    if selected.takes(control):
        selected, entered = parameters.decode(selected, control, value)
        state = replace(state, parameters={**state.parameters, channel: selected})
        return _entered(state, port, channel, entered) if entered else (state, ())
    if control == mpe.TIMBRE and state.zone.has(channel):
        return _in_zone(state, port, state.zone.moved(channel, "timbre", value))
    decoder, knob = cc14.decode(state.cc14.get(channel, Cc14Decoder()), control, value)
    state = replace(state, cc14={**state.cc14, channel: decoder})
    return state, [Move(Knob(port, channel, "cc", knob.number), knob.value, knob.largest)]


def _mode_message(state: DecoderState, port: str, channel: int, control: int) -> Decoded:
    if control in (_ALL_SOUND_OFF, _ALL_NOTES_OFF):
        is_zone_wide = channel == mpe.MASTER and state.zone.members > 0
        channels = range(state.zone.members + 1) if is_zone_wide else (channel,)
        return released(state, port, channels)
    if control == _RESET_ALL and channel in state.parameters:
        none = state.parameters[channel].none_selected()
        state = replace(state, parameters={**state.parameters, channel: none})
    return state, ()


def _entered(state: DecoderState, port: str, channel: int, entered: ParameterValue) -> Decoded:
    """A parameter has a new value: one of MPE's own parameters, or a knob's."""
    read = entered.reading
    if entered.kind == "rpn" and read.number == mpe.CONFIGURATION:
        members = read.value if read.largest == SEVEN_BITS else read.value // 128
        return _in_zone(state, port, state.zone.configured(channel, members))
    if entered.kind == "rpn" and read.number == mpe.BEND_RANGE and state.zone.has(channel):
        return state, ()
    knob = Knob(port, channel, entered.kind, read.number)
    return state, [Move(knob, read.value, read.largest, entered.steps)]


def _in_zone(state: DecoderState, port: str, settled: tuple[Zone, Sequence[Change]]) -> Decoded:
    """Return what has changed for an MPE zone as a whole, as knobs of its master channel."""
    zone, changes = settled
    moves = [
        Move(Knob(port, mpe.MASTER, *_DIMENSIONS[dimension]), value, mpe.LARGEST[dimension])
        for dimension, value in changes
    ]
    return replace(state, zone=zone), moves


_READERS: Mapping[str, Callable[[DecoderState, str, Message], Decoded]] = {
    "control_change": _control_change,
    "pitchwheel": _bend,
    "aftertouch": _channel_pressure,
    "polytouch": _key_pressure,
    "note_on": _note_on,
    "note_off": _note_off,
    "program_change": _program_change,
}
