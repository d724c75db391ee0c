"""The desk's note: one at a time, as keys are pressed and released."""

from __future__ import annotations

import pytest

from server.controls.carry import carried
from server.controls.desk import Desk
from server.controls.events import Event, Panic, Play, PlayNote, Stop
from server.controls.note import Note
from server.controls.table import control_table

TABLE = control_table(style_dims=4)
C, D = 36, 38


def after(*events: Event) -> Note:
    desk = Desk(TABLE)
    for event in events:
        desk.apply([event])
    return desk.snapshot().note


@pytest.mark.parametrize(
    ("events", "key", "is_held"),
    [
        ([PlayNote(C, 1)], C, True),
        ([PlayNote(C, 1), PlayNote(C, 0)], C, False),
        ([PlayNote(C, 1), PlayNote(D, 1)], D, True),
        ([PlayNote(C, 1), PlayNote(D, 1), PlayNote(C, 0)], D, True),
        ([PlayNote(C, 1), PlayNote(D, 1), PlayNote(D, 0)], D, False),
        ([PlayNote(C, 1), Play()], C, True),
        ([PlayNote(C, 1), Stop()], C, False),
        ([PlayNote(C, 1), Panic()], C, False),
    ],
)
def test_the_last_key_pressed_is_the_note(events: list[Event], key: int, is_held: bool) -> None:
    note = after(*events)
    assert (note.key, note.is_held) == (key, is_held)


def test_every_press_counts_even_of_the_same_key() -> None:
    assert after(PlayNote(C, 5), PlayNote(C, 5), PlayNote(C, 0)).number == 2


def test_another_model_keeps_the_note() -> None:
    desk = Desk(TABLE)
    desk.apply([PlayNote(C, 5)])
    other = carried(desk.snapshot(), control_table(style_dims=8), "other")
    assert other.note == desk.snapshot().note
