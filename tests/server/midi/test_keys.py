"""Programs and keys without a mapping; those with one are left to it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from server.controls.desk import Desk
from server.controls.events import Event, PlayNote, RecallProgram, SetControl
from server.controls.table import control_table
from server.midi.decode.moves import Move
from server.midi.keys import Keys
from tests.server.midi.bytes import move

PROGRAM, DOWN, UP = move("program", 0, 17), move("velocity", 40, 100), move("velocity", 40, 0)


class Rig:
    """Keys, and a desk that applies their events."""

    def __init__(self, mode: str = "gate", *, is_mapped: bool = False) -> None:
        self.desk = Desk(control_table(style_dims=4))
        self.events: list[Event] = []
        self.mapped: list[Move] = []
        mappings = SimpleNamespace(take=self.mapped.extend, is_mapped=lambda knob: is_mapped)
        self.keys = Keys(self.desk, mappings)
        self.keys.connect(self._hear)
        self.choose(mode)

    def choose(self, mode: str) -> None:
        self.desk.apply([SetControl("/note/keys", (float(["off", "gate", "latch"].index(mode)),))])

    def play(self, *moves: Move) -> list[Event]:
        self.events.clear()
        self.keys.take(moves)
        return self.events

    def _hear(self, events: tuple[Event, ...]) -> None:
        self.events.extend(events)
        self.desk.apply(events)


def test_a_program_recalls_a_preset() -> None:
    assert Rig().play(PROGRAM) == [RecallProgram(17)]


def test_keys_play_notes() -> None:
    assert Rig().play(DOWN, UP) == [PlayNote(40, 100), PlayNote(40, 0)]


@pytest.mark.parametrize("one", [PROGRAM, DOWN, UP])
def test_mapped_programs_and_keys_are_not_played(one: Move) -> None:
    rig = Rig(is_mapped=True)
    assert (rig.play(one), rig.mapped) == ([], [one])


def test_mappings_receive_all_moves() -> None:
    rig, moves = Rig(), [move("cc", 1, 5), DOWN, move("bend", 0, 5, 16383), PROGRAM]
    rig.play(*moves)
    assert rig.mapped == moves


def test_keys_can_be_off_and_a_held_one_is_still_released() -> None:
    rig = Rig()
    rig.play(DOWN)
    rig.choose("off")
    assert rig.play(UP) == [PlayNote(40, 0)]
    assert rig.play(DOWN) == []


def test_latched_keys_play_until_pressed_again() -> None:
    rig, other = Rig("latch"), move("velocity", 41, 90)
    assert rig.play(DOWN, UP) == [PlayNote(40, 100)]
    assert rig.play(DOWN, UP) == [PlayNote(40, 0)]
    assert rig.play(DOWN, UP, other) == [PlayNote(40, 100), PlayNote(41, 90)]
    assert rig.play(DOWN) == [PlayNote(40, 100)]
