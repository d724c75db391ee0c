"""Moves to events: what the table says of each knob."""

from __future__ import annotations

import pytest

from server.controls.control import Control, ControlTable
from server.controls.events import Event, SetControl
from server.controls.table import control_table
from server.midi.maps import Maps, events_of_move
from server.midi.moves import Knob, Move

TABLE = control_table(style_dims=16)


def turned(number: int, value: int, largest: int = 127, channel: int = 0) -> Move:
    return Move(Knob("knobs", channel, "cc", number), value, largest)


@pytest.mark.parametrize(
    ("move", "address", "value"),
    [
        (turned(1, 0), "/interp", 0.0),
        (turned(1, 127), "/interp", 1.0),
        (turned(1, 64), "/interp", 64 / 127),
        (turned(1, 127, channel=15), "/interp", 1.0),
        (turned(1, 16383, 16383), "/interp", 1.0),
        (turned(1, 8193, 16383), "/interp", 8193 / 16383),
        (turned(16, 0), "/latent/0", -3.0),
        (turned(16, 127), "/latent/0", 3.0),
        (turned(31, 127, channel=3), "/latent/15", 3.0),
        (turned(31, 0, 16383), "/latent/15", -3.0),
    ],
)
def test_both_ends_are_reached_exactly(move: Move, address: str, value: float) -> None:
    assert events_of_move(TABLE, move) == (SetControl(address, (value,)),)


@pytest.mark.parametrize(
    "move", [turned(2, 127), turned(0, 127), turned(123, 0), Move(Knob("x", 0, "nrpn", 1), 5, 127)]
)
def test_what_the_table_does_not_know_moves_nothing(move: Move) -> None:
    assert events_of_move(TABLE, move) == ()


@pytest.mark.parametrize(
    ("value", "speed"),
    [(8192, 1.0), (0, 0.0), (16383, 2.0), (4096, 0.5), (12287, 1.5)],
    ids=["centre", "down", "up", "half down", "half up"],
)
def test_the_pitch_bend_wheel_is_the_speed_around_one(value: int, speed: float) -> None:
    (event,) = events_of_move(TABLE, Move(Knob("knobs", 0, "bend"), value, 16383))
    assert isinstance(event, SetControl)
    assert (event.address, event.values[0]) == ("/speed", pytest.approx(speed, abs=1e-3))
    if speed in (0.0, 1.0, 2.0):
        assert event.values[0] == speed


def test_a_switch_turns_at_the_middle() -> None:
    switch = Control(
        name="switch",
        address="/switch",
        types="i",
        description="",
        minimum=0,
        maximum=1,
        midi=True,
        midi_ccs=(64,),
    )
    events: list[Event] = []
    Maps(ControlTable((switch,)), events.extend).take([turned(64, 63), turned(64, 64)])
    assert events == [SetControl("/switch", (0.0,)), SetControl("/switch", (1.0,))]
