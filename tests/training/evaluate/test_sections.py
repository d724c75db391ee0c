"""Swaps, paths, transfer and time on sounds with known answers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from training.evaluate import rendered_pairs, swaps
from training.evaluate.context import shortened, statistics
from training.evaluate.interpolation import path_figures
from training.evaluate.measuring import ClipFigures
from training.evaluate.reconstruction import best_and_worst
from training.evaluate.time_experiments import read_image
from training.measures.metrics import at_level_of, level_db, mfcc_distance, spectral_distance
from training.measures.references import cross_synthesis, matched_equaliser

RATE_HZ = 16_000


def tone(hz: float, tilt: float, seconds: float = 2.0) -> Any:
    time_s = np.arange(int(RATE_HZ * seconds)) / RATE_HZ
    orders = range(1, int(RATE_HZ / 2 / hz))
    sound = sum(tilt**order * np.sin(2 * np.pi * hz * order * time_s) for order in orders)
    return (0.1 * sound * np.exp(-4 * (time_s % 0.5))).astype(np.float32)


def test_a_straight_even_path_has_no_detour() -> None:
    path = [np.full(4, step / 10, np.float32) for step in range(11)]
    figures = path_figures(path, lambda a, b: float(np.abs(a - b).mean()))
    assert figures["detour"] == pytest.approx(1)
    assert figures["largest"] == pytest.approx(0.1)
    assert figures["length"] == pytest.approx(1)


def test_a_jump_gives_a_large_step_and_turning_back_a_detour() -> None:
    def distance(a: Any, b: Any) -> float:
        return float(np.abs(a - b).mean())

    jump = path_figures([np.float32(x) for x in (0, 0, 0, 1)], distance)
    back = path_figures([np.float32(x) for x in (0, 2, 1)], distance)
    assert jump["largest"] == 1
    assert back["detour"] == 3


def test_cross_synthesis_keeps_the_notes_of_one_and_takes_the_timbre_of_the_other() -> None:
    dark, bright = tone(220, 0.3), tone(220, 0.9)
    made = at_level_of(bright, cross_synthesis(dark, tone(330, 0.9)))
    assert made.shape == bright.shape
    assert mfcc_distance(bright, made, RATE_HZ) < mfcc_distance(bright, dark, RATE_HZ)
    same = cross_synthesis(dark, dark)
    assert spectral_distance(dark, same, 1e-3) < spectral_distance(dark, bright, 1e-3) / 2


def test_an_equaliser_gives_the_mean_spectrum_of_the_other() -> None:
    dark, bright = tone(220, 0.5), tone(220, 0.65)
    made = matched_equaliser(dark, bright)
    assert mfcc_distance(bright, made, RATE_HZ) < 0.5 * mfcc_distance(bright, dark, RATE_HZ)


def test_levels_are_matched() -> None:
    sound = tone(220, 0.5)
    assert level_db(sound, at_level_of(sound, 7 * tone(330, 0.9))) == pytest.approx(0, abs=1e-4)


def test_a_sound_keeps_all_of_itself() -> None:
    a, b = tone(220, 0.3), tone(300, 0.9)
    kept = swaps.kept(a, b, a, RATE_HZ)
    assert kept["mfcc_to_a"] == 0 < kept["mfcc_to_b"]
    assert kept["onsets_of_a"] == pytest.approx(1)
    assert kept["chroma_of_a"] == pytest.approx(1)
    assert kept["tempo_of_a"] == 1


def test_a_held_chord_keeps_its_pitches_and_level() -> None:
    chord = swaps.held_chord(2 * RATE_HZ, RATE_HZ)
    kept = swaps.chord_kept(chord, chord, RATE_HZ)
    assert kept["pitches"] == pytest.approx(1)
    assert kept["unrest_db"] < 0.2
    assert swaps.chord_kept(chord, tone(233, 0.3), RATE_HZ)["pitches"] < 0.5
    fading = chord * np.linspace(1, 0.1, chord.size, dtype=np.float32)
    assert swaps.chord_kept(chord, fading, RATE_HZ)["unrest_db"] > 2


def test_nearer_compares_with_the_best_rival() -> None:
    def row(mine: float, *rivals: float) -> dict[str, Any]:
        methods = (rendered_pairs.TRANSFER, *rendered_pairs.RIVALS)
        return {
            method: {"far": value} for method, value in zip(methods, (mine, *rivals), strict=True)
        }

    rows = [row(0.5, 1.0, 2.0, 0.6), row(1.1, 1.0, 2.0, 3.0)]
    means = {
        method: {"far": statistics([one[method]["far"] for one in rows])} for method in rows[0]
    }
    found = rendered_pairs.nearer(means, rows, "far")
    assert found["best_rival"] == rendered_pairs.COPY
    assert found["share"] == pytest.approx(0.2)
    assert (found["pairs_won"], found["pairs"]) == (1, 2)


def test_an_image_is_interpolated_between_its_frames() -> None:
    image = np.arange(5, dtype=np.float32) * np.ones((3, 2, 1), np.float32)
    read = read_image(image, np.array([0.0, 1.25, 3.5, 4.0, 9.0]))
    np.testing.assert_allclose(read[0, 0], [0, 1.25, 3.5, 4, 4])


@pytest.mark.parametrize(
    ("count", "chosen"),
    [
        (1, [("best", 2)]),
        (3, [("best", 2), ("best", 0), ("worst", 1)]),
        (9, [("best", 2), ("best", 0), ("worst", 3), ("worst", 1)]),
    ],
)
def test_the_best_and_the_worst_clips_are_shown(count: int, chosen: list[tuple[str, int]]) -> None:
    clips = [
        ClipFigures(str(n), "real", 0.0, {"model": {"spectral_distance": far}}, {})
        for n, far in enumerate([2.0, 4.0, 1.0, 3.0])
    ]
    assert best_and_worst(clips, count) == chosen


def test_statistics_leave_out_missing_values() -> None:
    figures = statistics([1.0, float("nan"), 3.0])
    assert (figures["mean"], figures["count"]) == (2.0, 2)
    assert 1 <= figures["low"] <= 2 <= figures["high"] <= 3
    assert statistics([float("nan")])["count"] == 0


def test_long_names_keep_both_ends() -> None:
    assert shortened("short") == "short"
    assert shortened("a" * 100 + "end").endswith("end")
    assert len(shortened("a" * 100)) <= 48
