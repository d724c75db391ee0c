"""Steady beats and their phase are found to a hundredth; other sounds have none."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from export.audio.beat_tracking import find_beats
from export.bundle.beats import Beats

RATE_HZ = 16_000
CLICK_S = 0.05


def clicks(times_s: Sequence[float] | np.ndarray, seconds: float, *levels: float) -> np.ndarray:
    """A short burst of noise at each time, its level the next of ``levels``."""
    generator = np.random.default_rng(7)
    click = generator.standard_normal(round(CLICK_S * RATE_HZ))
    click *= np.exp(-80 * np.arange(click.size) / RATE_HZ)
    samples = np.zeros(round((seconds + CLICK_S) * RATE_HZ), np.float32)
    for n, time_s in enumerate(times_s):
        first = round(float(time_s) * RATE_HZ)
        if first < seconds * RATE_HZ:
            level = levels[n % len(levels)] if levels else 1.0
            samples[first : first + click.size] += (0.3 * level * click).astype(np.float32)
    return samples[: round(seconds * RATE_HZ)]


def beats_of(samples: np.ndarray) -> Beats:
    found = find_beats(samples, RATE_HZ)
    assert found is not None
    return found


@pytest.mark.parametrize("bpm", [50.0, 60.0, 75.0, 90.0, 123.4, 128.0, 140.0])
@pytest.mark.parametrize("seconds", [6.0, 40.0])
def test_a_click_track_has_its_tempo_and_phase(bpm: float, seconds: float) -> None:
    first_s = 0.31
    found = beats_of(clicks(np.arange(first_s, seconds, 60 / bpm), seconds))
    assert found.confidence > 0.9
    # The last beat is right to 25 ms: this is what matters when two decks play in time.
    count = np.floor((seconds - first_s) / found.beat_s)
    last_s = first_s + count * 60 / bpm
    assert found.first_beat_s + count * found.beat_s == pytest.approx(last_s, abs=0.025)
    assert found.first_beat_s == pytest.approx(first_s, abs=0.025)


@pytest.mark.parametrize("bpm", [170.0, 200.0])
def test_a_fast_one_may_be_counted_at_half(bpm: float) -> None:
    found = beats_of(clicks(np.arange(0.1, 30, 60 / bpm), 30.0))
    assert min(abs(found.tempo_bpm - bpm / count) for count in (1, 2)) < 0.05
    assert (found.first_beat_s - 0.1 + 0.02) % (60 / bpm) < 0.04


def test_swung_quavers_do_not_move_the_beat() -> None:
    beat_s = 60 / 110
    times = np.sort(np.r_[np.arange(0.2, 30, beat_s), np.arange(0.2 + beat_s * 2 / 3, 30, beat_s)])
    found = beats_of(clicks(times, 30.0, 1.0, 0.6))
    assert found.tempo_bpm == pytest.approx(110, abs=0.03)
    assert found.first_beat_s == pytest.approx(0.2, abs=0.025)


def test_beats_under_noise_and_with_holes_are_still_beats() -> None:
    noise = np.random.default_rng(3).standard_normal(30 * RATE_HZ).astype(np.float32)
    times = np.delete(np.arange(0.2, 30, 0.5), [5, 6, 7, 20, 33])
    found = beats_of(clicks(times, 30.0) + 0.01 * noise)
    assert found.tempo_bpm == pytest.approx(120, abs=0.05)


def silence() -> np.ndarray:
    return np.zeros(10 * RATE_HZ, np.float32)


def drone() -> np.ndarray:
    t = np.arange(20 * RATE_HZ) / RATE_HZ
    return (0.1 * np.sin(2 * np.pi * 110 * t) + 0.1 * np.sin(2 * np.pi * 165.3 * t)).astype("f4")


def noise() -> np.ndarray:
    return (0.1 * np.random.default_rng(1).standard_normal(30 * RATE_HZ)).astype(np.float32)


def rain() -> np.ndarray:
    return clicks(np.sort(np.random.default_rng(2).uniform(0, 40, 300)), 40.0)


def rubato() -> np.ndarray:
    steps = 0.5 * np.exp(0.25 * np.random.default_rng(0).standard_normal(80))
    return clicks(np.cumsum(steps), 30.0)


def accelerando() -> np.ndarray:
    return clicks(np.cumsum(60 / np.linspace(80, 150, 60)), 30.0)


def one_stroke() -> np.ndarray:
    return clicks([3.3], 20.0) + 1e-3 * np.resize(noise(), 20 * RATE_HZ)


def too_short() -> np.ndarray:
    return clicks(np.arange(0.1, 1.6, 0.3), 1.6)


@pytest.mark.parametrize(
    "made", [silence, drone, noise, rain, rubato, accelerando, one_stroke, too_short]
)
def test_what_has_no_steady_beat_has_none(made) -> None:  # type: ignore[no-untyped-def]
    assert find_beats(made(), RATE_HZ) is None


def test_some_minutes_have_the_tempo_of_their_pieces() -> None:
    found = beats_of(clicks(np.arange(0.31, 200, 60 / 123.4), 200.0))
    assert found.tempo_bpm == pytest.approx(123.4, abs=0.01)


def test_of_hours_no_one_tempo_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "export.audio.beat_tracking._onsets", lambda *_: pytest.fail("it took the time")
    )
    assert find_beats(np.zeros(round(1201 * RATE_HZ), np.float32), RATE_HZ) is None
