"""What a turn of a knob makes of a control, by one mapping. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from server.controls.control import Control
from server.midi.decode.moves import Move
from server.midi.mappings.mapping import MidiMap, knob_place, place_of, value_of
from server.midi.mappings.relative import steps
from server.midi.mappings.takeover import NO_GRIP, TakeoverState, turned

STEP = 1 / 128
"""Of the way, for one step of an endless encoder; of whole numbers and words it is the next."""


@dataclass(frozen=True)
class KnobState:
    """What one knob has of one control: the grip, and the value that it gave it last."""

    grip: TakeoverState = NO_GRIP
    value: float | None = None


def turn(one: MidiMap, control: Control, held: KnobState, move: Move, present: float) -> KnobState:
    """The knob moves; ``present`` is the control's value. A ``value`` of None leaves it alone."""
    if one.relative is not None or move.steps:
        count = steps(one.relative, move.value) if one.relative else move.steps
        return KnobState(value=_stepped(one, control, count, present) if count else None)
    is_ours = held.value is not None and held.value == present
    at = None if is_ours else place_of(one, control, present)
    grip = turned(one.takeover, held.grip, knob_place(move), at)
    return KnobState(grip, None if grip.asked is None else value_of(one, control, grip.asked))


def _stepped(one: MidiMap, control: Control, count: int, present: float) -> float:
    if control.types == "f":
        place = place_of(one, control, present) + count * STEP
        return value_of(one, control, min(max(place, 0.0), 1.0))
    low, high = one.ends(control)
    return min(max(present + (-count if one.invert else count), low), high)
