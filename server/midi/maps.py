"""What moved to events: the table's default control changes, and the pitch bend wheel.

A position 0..1 is exactly 0..1 of its control's range. The wheel, which springs back, moves
``Control.midi_bend`` around the default: at the centre it is exactly that, and each half is
straight to its end.
"""

from __future__ import annotations

from collections.abc import Iterable

from server.controls.control import Control, ControlTable
from server.controls.events import Event, EventSink, SetControl
from server.midi.messages import BEND_CENTRE
from server.midi.moves import Move


class Maps:
    """Hands what ``table`` knows of each move to ``on_events``."""

    def __init__(self, table: ControlTable, on_events: EventSink) -> None:
        self.table = table
        self._on_events = on_events

    def take(self, moves: Iterable[Move]) -> None:
        """Carry out what moved, in order."""
        for move in moves:
            if events := events_of_move(self.table, move):
                self._on_events(events)


def events_of_move(table: ControlTable, move: Move) -> tuple[Event, ...]:
    """What a move does, from whichever port and channel."""
    if move.knob.kind == "bend":
        return tuple(_bent(control, move.value) for control in table.midi_bent)
    control = table.midi_ccs.get(move.knob.number) if move.knob.kind == "cc" else None
    if control is None:
        return ()
    return (SetControl(control.address, (control.value_at(move.position),)),)


def _bent(control: Control, value: int) -> SetControl:
    """``value`` is 0..16383."""
    assert control.midi_bend is not None
    down, up = control.midi_bend
    pitch = value - BEND_CENTRE
    end, share = (down, -pitch / 8192) if pitch < 0 else (up, pitch / 8191)
    return SetControl(control.address, (control.default * (1 - share) + end * share,))
