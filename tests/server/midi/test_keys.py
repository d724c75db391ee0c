"""Programs and keys that no mapping has; what a mapping has is the mapping's."""

from __future__ import annotations

from server.controls.events import Event, RecallProgram
from server.midi.keys import Keys
from server.midi.moves import Move
from tests.server.midi.bytes import move

PROGRAM = move("program", 0, 17)


def taken(*moves: Move, is_mapped: bool = False) -> tuple[list[Event], list[Move]]:
    """What is played, and what goes to the maps."""
    events: list[Event] = []
    mapped: list[Move] = []
    Keys(events.extend, mapped.extend, lambda knob: is_mapped).take(moves)
    return events, mapped


def test_a_program_recalls_a_preset() -> None:
    assert taken(PROGRAM) == ([RecallProgram(17)], [PROGRAM])


def test_what_a_mapping_has_is_not_played() -> None:
    assert taken(PROGRAM, is_mapped=True) == ([], [PROGRAM])


def test_knobs_are_the_maps() -> None:
    knobs = [move("cc", 1, 5), move("bend", 0, 5, 16383)]
    assert taken(*knobs) == ([], knobs)
