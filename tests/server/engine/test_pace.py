"""The pace of decks: at a given tempo, or at that of the recordings that play."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from export.bundle.beats import Beats
from server.engine.pace import Pace, pace_of

FRAME_S = 0.01


@dataclass(frozen=True)
class Deck:
    ticks: int
    beats: Beats | None


def deck(tempo_bpm: float | None, ticks: int = 100) -> Deck:
    return Deck(ticks, None if tempo_bpm is None else Beats(tempo_bpm, 0.1, 1.0))


def pace(
    *decks: Deck | None,
    x: float = 0.0,
    asked_bpm: float = 0.0,
    align: float = 1.0,
    clock: float = 0.0,
) -> Pace | None:
    """The pace of decks a and b, mixed at ``x``."""
    heard = np.array([[1 - x], [x], [0], [0]])
    row = np.ones(1)
    return pace_of([*decks, None, None], heard, asked_bpm * row, align * row, clock * row, FRAME_S)


def test_without_a_tempo_there_is_no_pace() -> None:
    assert pace(deck(None), deck(None), asked_bpm=96) is None
    assert pace(None, None) is None


def test_without_a_requested_tempo_it_is_that_of_the_audible_decks() -> None:
    for x, wanted in ((0.0, 100.0), (1.0, 121.0), (0.5, 110.0)):
        made = pace(deck(100), deck(121), x=x)
        assert made is not None
        assert made.tempo_bpm[0] == pytest.approx(wanted)
        assert made.rates[0] == 1
        rates = [deck_pace.rates[0] for deck_pace in made.deck_paces.values()]
        assert rates == pytest.approx([wanted / 100, wanted / 121])
    exact = pace(deck(100), deck(121), x=1.0)
    assert exact is not None and exact.deck_paces[Beats(121, 0.1, 1.0)].rates[0] == 1


def test_decks_are_read_at_the_requested_tempo() -> None:
    for x in (0.0, 0.3, 1.0):
        made = pace(deck(100), deck(120), x=x, asked_bpm=90)
        assert made is not None
        assert [deck_pace.rates[0] for deck_pace in made.deck_paces.values()] == pytest.approx(
            [0.9, 0.75]
        )
        assert made.tempo_bpm[0] == 90 and made.beats[0] == pytest.approx(1.5 * FRAME_S)
    plain = pace(deck(100), deck(120), x=1.0, asked_bpm=90, align=0)
    assert plain is not None and not plain.aligned[0] and plain.rates[0] == 0.75


def test_a_tempo_gliding_from_zero_never_stands_still() -> None:
    made = pace(deck(100), asked_bpm=1e-3)
    assert made is not None and made.tempo_bpm[0] == 20


def test_a_deck_without_a_tempo_follows_the_others() -> None:
    made = pace(deck(100), deck(None), x=1.0, asked_bpm=50)
    assert made is not None
    assert made.rates[0] == 0.5 and not made.aligned[0]
    assert made.leader == (100, Beats(100, 0.1, 1.0))


def test_a_double_time_deck_is_aligned_with_a_single_time_one() -> None:
    made = pace(deck(80), deck(161))
    assert made is not None
    deck_pace = made.deck_paces[Beats(161, 0.1, 1.0)]
    assert deck_pace.rates[0] == pytest.approx(80 / 80.5)
    assert deck_pace.beat_grid.beat_frames == pytest.approx(60 / 80.5 / FRAME_S)
    assert deck_pace.beat_grid.first_frames == pytest.approx(10)


def test_the_same_recording_on_two_decks_needs_no_alignment() -> None:
    same = pace(deck(100), deck(100))
    other_length = pace(deck(100), deck(100, ticks=50))
    assert same is not None and not same.aligned[0]
    assert other_length is not None and other_length.aligned[0]
