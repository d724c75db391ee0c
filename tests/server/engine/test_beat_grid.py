"""Loops are rounded to beats: whole ones, or halves and quarters of one."""

from __future__ import annotations

import pytest

from server.engine.beat_grid import BeatGrid, loop_in_beats

GRID, DECK = BeatGrid(first_frames=3.0, beat_frames=10.0), 128.0  # 12.5 beats


def loop(start: float, end: float, deck: float = DECK) -> tuple[float, float]:
    return loop_in_beats(GRID, deck, start, end, shortest_frames=4.0)


def test_a_full_loop_is_all_whole_beats_from_the_first() -> None:
    assert loop(0.0, 1.0) == (3.0, 120.0)
    assert loop(0.0, 1.0, deck=132.0) == (3.0, 130.0)
    assert loop(0.5, 0.5) == (63.0, 120.0)


@pytest.mark.parametrize(
    ("start", "end", "wanted"),
    [
        (0.25, 0.5, (33.0, 30.0)),
        (0.3, 0.55, (43.0, 30.0)),
        (0.75, 0.25, (93.0, 60.0)),
        (0.5, 0.5 + 5.2 / DECK, (63.0, 5.0)),
        (0.5, 0.5 + 4.0 / DECK, (63.0, 5.0)),
        (0.5, 0.5001, (63.0, 5.0)),
        (0.99, 1.0, (123.0 - 120.0 + 5.0, 5.0)),
    ],
)
def test_a_partial_loop_begins_on_a_beat_and_is_whole_beats_long(
    start: float, end: float, wanted: tuple[float, float]
) -> None:
    assert loop(start, end) == pytest.approx(wanted)


def test_a_deck_shorter_than_a_beat_loops_one_beat() -> None:
    assert loop(0.0, 1.0, deck=6.0) == (3.0, 10.0)


def test_positions_wrap_from_the_last_beat_to_the_first() -> None:
    assert [GRID.wrap(frames, DECK) for frames in (3.0, 122.0, 123.5, 2.0)] == [
        3.0,
        122.0,
        3.5,
        122.0,
    ]
    assert GRID.beat_at(28.0) == 2.5
