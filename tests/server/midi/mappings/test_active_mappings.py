"""Moves to events, by the mappings of each knob."""

from __future__ import annotations

from dataclasses import replace

import pytest

from server.controls.control import Control, ControlTable
from server.controls.desk import Desk
from server.controls.events import Event, SetControl
from server.controls.table import control_table
from server.midi.decode.moves import Knob, Move
from server.midi.mappings.active_mappings import ActiveMappings
from server.midi.mappings.mapping import KnobPattern, MidiMapping
from server.midi.mappings.mapping_table import MappingTable

TABLE = control_table(style_dims=16)
KNOB = KnobPattern("knobs", 0, "cc", 9)


def turned(number: int, value: int, largest: int = 127, channel: int = 0) -> Move:
    return Move(Knob("knobs", channel, "cc", number), value, largest)


class Played:
    """A desk that knobs move, and the events that they caused."""

    def __init__(self, *learned: MidiMapping, table: ControlTable = TABLE) -> None:
        self.desk = Desk(table)
        self.events: list[Event] = []
        self.maps = ActiveMappings(self.desk, self.take, MappingTable(learned))

    def take(self, events: tuple[Event, ...]) -> None:
        self.events.extend(events)
        self.desk.apply(events)

    def play(self, *moves: Move) -> list[Event]:
        self.events.clear()
        self.maps.take(moves)
        return list(self.events)

    def values(self, *moves: Move) -> list[float]:
        return [event.values[0] for event in self.play(*moves) if isinstance(event, SetControl)]


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
def test_both_ends_of_a_control_are_reached_exactly(move: Move, address: str, value: float) -> None:
    assert Played().play(move) == [SetControl(address, (value,))]


@pytest.mark.parametrize(
    "move", [turned(2, 127), turned(0, 127), turned(123, 0), Move(Knob("x", 0, "nrpn", 1), 5, 127)]
)
def test_an_unmapped_knob_moves_nothing(move: Move) -> None:
    assert Played().play(move) == []


@pytest.mark.parametrize(
    ("value", "speed"),
    [(8192, 1.0), (0, 0.0), (16383, 2.0), (4096, 0.5), (12287, 1.5)],
    ids=["centre", "down", "up", "half down", "half up"],
)
def test_the_pitch_bend_wheel_moves_the_speed_around_one(value: int, speed: float) -> None:
    (event,) = Played().play(Move(Knob("knobs", 0, "bend"), value, 16383))
    assert isinstance(event, SetControl)
    assert (event.address, event.values[0]) == ("/speed", pytest.approx(speed, abs=1e-3))
    if speed in (0.0, 1.0, 2.0):
        assert event.values[0] == speed


def test_a_switch_changes_at_the_middle() -> None:
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
    played = Played(table=ControlTable((switch,)))
    assert played.values(turned(64, 63), turned(64, 64)) == [0.0, 1.0]


def test_one_knob_moves_all_controls_it_has_learned_at_once() -> None:
    both = (
        MidiMapping("/interp", KNOB),
        MidiMapping("/level", KNOB, low=-20.0, high=0.0, invert=True),
    )
    assert Played(*both).play(turned(9, 127)) == [
        SetControl("/interp", (1.0,)),
        SetControl("/level", (-20.0,)),
    ]


def test_a_learned_mapping_replaces_the_default_one() -> None:
    level = MidiMapping("/level", KnobPattern("knobs", None, "cc", 1))
    assert Played(level).play(turned(1, 127)) == [SetControl("/level", (6.0,))]


def test_a_mapping_to_a_control_the_model_lacks_moves_nothing() -> None:
    gone = MidiMapping("/named/warmth", KnobPattern(None, None, "cc", 1))
    assert Played(gone).play(turned(1, 127)) == []


@pytest.mark.parametrize("by", ["osc", "another knob"])
def test_a_pick_up_knob_waits_until_it_reaches_the_control_again(by: str) -> None:
    played = Played(MidiMapping("/interp", KNOB, takeover="pick-up"))
    played.desk.apply([SetControl("/interp", (64 / 127,))])
    assert played.values(turned(9, 20), turned(9, 70), turned(9, 30)) == [70 / 127, 30 / 127]
    if by == "osc":
        played.desk.apply([SetControl("/interp", (100 / 127,))])
    else:
        played.play(turned(1, 100))
    assert played.values(turned(9, 31), turned(9, 90), turned(9, 101)) == [101 / 127]


def test_scaling_integer_controls_does_not_get_stuck() -> None:
    played = Played(MidiMapping("/slice", KNOB, takeover="scale"))
    played.desk.apply([SetControl("/slice", (8.0,))])
    values = played.values(*(turned(9, place) for place in range(20, 128)))
    assert values == sorted(values) and set(values) == set(map(float, range(8, 16)))


@pytest.mark.parametrize(
    ("address", "present", "raws", "value"),
    [
        ("/interp", 0.5, [1, 1, 2], 0.5 + 4 / 128),
        ("/interp", 0.5, [127, 126], 0.5 - 3 / 128),
        ("/interp", 0.01, [120], 0.0),
        ("/interp", 0.99, [63], 1.0),
        ("/slice", 7.0, [1, 1], 9.0),
        ("/slice", 15.0, [5], 15.0),
        ("/clock", 0.0, [1], 1.0),
    ],
)
def test_an_encoder_moves_from_the_current_value(
    address: str, present: float, raws: list[int], value: float
) -> None:
    played = Played(MidiMapping(address, KNOB, relative="2's complement"))
    played.desk.apply([SetControl(address, (present,))])
    assert played.values(*(turned(9, raw) for raw in raws))[-1] == pytest.approx(value)


def test_parameter_increments_move_from_the_current_value() -> None:
    played = Played(MidiMapping("/interp", KnobPattern("knobs", 0, "nrpn", 5)))
    played.desk.apply([SetControl("/interp", (0.5,))])
    assert played.values(Move(Knob("knobs", 0, "nrpn", 5), 128, 16383, steps=2)) == [0.5 + 2 / 128]


def test_a_step_of_zero_moves_nothing() -> None:
    played = Played(MidiMapping("/position", KNOB, relative="2's complement"))
    assert played.play(turned(9, 0)) == []


def test_an_inverted_encoder_moves_the_other_way() -> None:
    for address in ("/slice", "/latent/0"):
        played = Played(MidiMapping(address, KNOB, relative="bin offset", invert=True))
        played.desk.apply([SetControl(address, (3.0,))])
        assert played.values(turned(9, 65))[0] < 3.0


def test_the_takeover_state_of_a_knob_is_dropped_with_its_mapping() -> None:
    one = MidiMapping("/interp", KNOB, takeover="pick-up")
    played = Played(one)
    played.desk.apply([SetControl("/interp", (0.5,))])
    played.play(turned(9, 64))
    assert played.maps.last_value(one, Knob("knobs", 0, "cc", 9)) == 64 / 127
    played.maps.table = played.maps.table.with_changed(one, replace(one, invert=True))
    assert played.maps.last_value(one, Knob("knobs", 0, "cc", 9)) is None
