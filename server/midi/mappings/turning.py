"""The effect of turning a knob on its control: soft takeover, and the steps of encoders. Pure.

After a preset, OSC or another knob has moved a control, the knob stands elsewhere than the control.
Ableton Live's manual describes how it takes over again ("MIDI Takeover Mode", chapter "MIDI and Key
Remote Control"):

    jump      the control goes to the knob's position at once            (Live: None)
    pick-up   nothing, until the knob reaches or passes the control      (Live: Pick-Up)
    scale     the control moves the way the knob does, faster or slower, so that both reach the end
              of the range together; once they have met, it follows      (Live: Value Scaling)

              up:    control + turn * (1 - control) / (1 - knob)
              down:  control + turn * control / knob

An endless encoder has no position and sends steps instead. The same chapter ("Mapping to Relative
MIDI Controllers") lists the four codings by the value of the control change, slowest to fastest:

    coding           up            down
    signed bit       1 .. 64       65 .. 127
    signed bit 2     65 .. 127     1 .. 64
    bin offset       65 .. 127     63 .. 1
    2's complement   1 .. 64       127 .. 65

A value that is in neither column is no step: 0, and bin offset's 64.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from server.controls.control import Control
from server.midi.decode.moves import Move
from server.midi.mappings.mapping import (
    Coding,
    MidiMapping,
    Takeover,
    knob_position,
    position_of,
    value_at,
)

NEAR = 1 / 127
"""Knob and control this close, a step of seven bits, have met."""

STEP = 1 / 128
"""Of the range, for one step of an endless encoder; whole numbers and words go to the next one."""


@dataclass(frozen=True)
class TakeoverState:
    """The state of a soft takeover, by one knob of one control.

    ``position`` is where the knob was last, ``target`` where it moved the control to (None: it left
    it alone), both 0..1. Once they have met, the knob is ``in_control``.
    """

    position: float | None = None
    target: float | None = None
    in_control: bool = False


NO_TAKEOVER = TakeoverState()


@dataclass(frozen=True)
class KnobState:
    """One knob and one of its controls: the takeover, and the last value the knob gave it."""

    takeover: TakeoverState = NO_TAKEOVER
    value: float | None = None


def turn(
    mapping: MidiMapping, control: Control, state: KnobState, move: Move, present: float
) -> KnobState:
    """Turn the knob; ``present`` is the control's value. A new ``value`` of None leaves it."""
    if mapping.relative is not None or move.steps:
        count = steps(mapping.relative, move.value) if mapping.relative else move.steps
        return KnobState(value=_stepped(mapping, control, count, present) if count else None)
    is_ours = state.value is not None and state.value == present
    moved_to = None if is_ours else position_of(mapping, control, present)
    takeover = take_over(mapping.takeover, state.takeover, knob_position(move), moved_to)
    target = takeover.target
    return KnobState(takeover, None if target is None else value_at(mapping, control, target))


def take_over(
    mode: Takeover, state: TakeoverState, position: float, moved_to: float | None
) -> TakeoverState:
    """Turn a knob that sends its ``position``.

    ``moved_to`` is where something else has moved the control; None if nothing has since the knob
    moved it.
    """
    if mode == "jump" or (state.in_control and moved_to is None):
        return TakeoverState(position, position, True)
    control = state.target if moved_to is None else moved_to
    assert control is not None
    if mode == "pick-up":
        has_met = _passes(state.position, position, control)
        return TakeoverState(position, position, True) if has_met else TakeoverState(position)
    target = _scaled(state.position, position, control)
    if target is None or abs(target - position) > NEAR:
        return TakeoverState(position, target)
    return TakeoverState(position, position, True)


def steps(coding: Coding, raw: int) -> int:
    """Return how many steps up (below 0: down) the value ``raw``, 0..127, means.

    >>> steps("2's complement", 127), steps("bin offset", 66)
    (-1, 2)
    """
    return _STEPS[coding](raw)


def _passes(last: float | None, position: float, control: float) -> bool:
    is_passed = last is not None and (last - control) * (position - control) <= 0
    return is_passed or abs(position - control) <= NEAR


def _scaled(last: float | None, position: float, control: float) -> float | None:
    """Return where the control goes; None as long as it is unknown how far the knob was turned."""
    if last is None:
        return control if abs(position - control) <= NEAR else None
    if position > last:
        return control + (position - last) * (1 - control) / (1 - last)
    return control + (position - last) * control / last if position < last else None


def _stepped(mapping: MidiMapping, control: Control, count: int, present: float) -> float:
    if control.types == "f":
        position = position_of(mapping, control, present) + count * STEP
        return value_at(mapping, control, min(max(position, 0.0), 1.0))
    low, high = mapping.limits(control)
    return min(max(present + (-count if mapping.invert else count), low), high)


def _signed_bit(raw: int) -> int:
    return raw if raw <= 64 else 64 - raw


def _signed_bit_2(raw: int) -> int:
    return -_signed_bit(raw)


def _bin_offset(raw: int) -> int:
    return raw - 64 if raw else 0


def _twos_complement(raw: int) -> int:
    return raw if raw <= 64 else raw - 128


_STEPS: Mapping[Coding, Callable[[int], int]] = {
    "signed bit": _signed_bit,
    "signed bit 2": _signed_bit_2,
    "bin offset": _bin_offset,
    "2's complement": _twos_complement,
}
