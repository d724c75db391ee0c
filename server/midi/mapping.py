"""MIDI messages to events, by the table of controls. Pure: the decoder's memory goes in and out.

A control change of 7 bits maps 0..127 to exactly 0..1 of its control's range. Numbers 0-31 may
have a low half 32 higher (MIDI 1.0 detailed specification, "control change"): the two are read
as 14 bits from the first low half on, and never before, so that a plain knob reaches its top.

    high only:           value = high / 127
    low half seen once:  value = (high * 128 + low) / 16383

The pitch bend wheel, which springs back, moves ``Control.midi_bend`` around the default: at the
centre it is exactly that, and each half is straight to its end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from mido import Message

from server.controls.control import Control, ControlTable
from server.controls.events import Event, SetControl

_HALVES = 32
"""How far a low half lies above its high half, and how many there are."""

_Knob = tuple[int, int]
"""Channel and number of a control change; of its high half where it has two."""


@dataclass(frozen=True)
class MidiState:
    """The last high and low halves by knob; a knob in ``low`` is one of 14 bits."""

    high: Mapping[_Knob, int] = field(default_factory=dict)
    low: Mapping[_Knob, int] = field(default_factory=dict)


def events_of_midi(
    table: ControlTable, state: MidiState, message: Message
) -> tuple[MidiState, tuple[Event, ...]]:
    """What a message does, on whichever channel, and what to remember for the next one."""
    if message.type == "pitchwheel":
        return state, tuple(_bent(control, message.pitch) for control in table.midi_bent)
    if message.type != "control_change":
        return state, ()
    number = message.control
    is_low = number not in table.midi_ccs and _HALVES <= number < 2 * _HALVES
    knob = (message.channel, number - _HALVES if is_low else number)
    control = table.midi_ccs.get(knob[1])
    if control is None:
        return state, ()
    state = _remembered(state, knob, message.value, is_low=is_low)
    if knob not in state.high:
        return state, ()
    return state, (SetControl(control.address, (control.value_at(_position(state, knob)),)),)


def _bent(control: Control, pitch: int) -> SetControl:
    """``pitch`` is -8192..8191, as mido gives it."""
    assert control.midi_bend is not None
    down, up = control.midi_bend
    end, share = (down, -pitch / 8192) if pitch < 0 else (up, pitch / 8191)
    return SetControl(control.address, (control.default * (1 - share) + end * share,))


def _remembered(state: MidiState, knob: _Knob, value: int, *, is_low: bool) -> MidiState:
    if is_low:
        return replace(state, low={**state.low, knob: value})
    return replace(state, high={**state.high, knob: value})


def _position(state: MidiState, knob: _Knob) -> float:
    """0..1, both ends exact."""
    if knob not in state.low:
        return state.high[knob] / 127
    return (state.high[knob] * 128 + state.low[knob]) / 16383
