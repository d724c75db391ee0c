"""How a knob that stands elsewhere than its control takes it over. Pure.

After a preset, OSC or another knob has moved a control, the knob is elsewhere than the control. As
Ableton Live's manual describes its "MIDI Takeover Mode" (chapter "MIDI and Key Remote Control"):

    jump      the control goes where the knob is at once            (Live: None)
    pick-up   nothing, until the knob has come to or passed it      (Live: Pick-Up)
    scale     the control moves the way the knob does, faster or slower, so that both reach the end
              of the way together; from where they meet on, it follows   (Live: Value Scaling)

              up:    control + turn * (1 - control) / (1 - knob)
              down:  control + turn * control / knob
"""

from __future__ import annotations

from dataclasses import dataclass

from server.midi.mappings.mapping import Takeover

NEAR = 1 / 127
"""Knob and control this close, a step of seven bits, have met."""


@dataclass(frozen=True)
class TakeoverState:
    """What a knob has of its control.

    ``place`` is where the knob was last, ``asked`` where it wanted the control to be, None where
    it left it alone; both 0..1. It ``holds`` the control once they have met.
    """

    place: float | None = None
    asked: float | None = None
    holds: bool = False


NO_GRIP = TakeoverState()


def turned(
    takeover: Takeover, grip: TakeoverState, place: float, present: float | None
) -> TakeoverState:
    """The knob comes to ``place``; ``present`` is where something else has moved the control,
    None if nothing has since the knob asked."""
    if takeover == "jump" or (grip.holds and present is None):
        return TakeoverState(place, place, True)
    at = grip.asked if present is None else present
    assert at is not None
    if takeover == "pick-up":
        return (
            TakeoverState(place, place, True)
            if _passes(grip.place, place, at)
            else TakeoverState(place)
        )
    wanted = _scaled(grip.place, place, at)
    if wanted is None or abs(wanted - place) > NEAR:
        return TakeoverState(place, wanted)
    return TakeoverState(place, place, True)


def _passes(last: float | None, place: float, at: float) -> bool:
    is_passed = last is not None and (last - at) * (place - at) <= 0
    return is_passed or abs(place - at) <= NEAR


def _scaled(last: float | None, place: float, at: float) -> float | None:
    """Where the control goes; None as long as nobody knows how far the knob was turned."""
    if last is None:
        return at if abs(place - at) <= NEAR else None
    if place > last:
        return at + (place - last) * (1 - at) / (1 - last)
    return at + (place - last) * at / last if place < last else None
