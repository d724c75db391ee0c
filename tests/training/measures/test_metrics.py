"""Metrics on sounds with known answers."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from export.audio.arrays import Floats
from model.config import preset
from model.features import LogMelImage
from training.measures import metrics

RATE_HZ = 16_000
SECONDS = 2.0
FEATURES = LogMelImage(preset("tiny").features)

DISTANCES: dict[str, Callable[[Floats, Floats], float]] = {
    "spectral 1e-3": lambda a, b: metrics.spectral_distance(a, b, 1e-3),
    "spectral 1e-7": lambda a, b: metrics.spectral_distance(a, b, 1e-7),
    "log-mel": lambda a, b: metrics.log_mel_l1(a, b, FEATURES),
    "mfcc": lambda a, b: metrics.mfcc_distance(a, b, RATE_HZ),
}
LIKENESSES: dict[str, Callable[[Floats, Floats], float]] = {
    "chroma": lambda a, b: metrics.chroma_correlation(a, b, RATE_HZ),
    "onsets": lambda a, b: metrics.onset_f1(a, b, RATE_HZ),
}


def time_s() -> np.ndarray:
    return np.arange(int(RATE_HZ * SECONDS)) / RATE_HZ


def tone(hz: float, gain: float = 0.3) -> Floats:
    return (gain * np.sin(2 * np.pi * hz * time_s())).astype(np.float32)


def noise(seed: int = 0, gain: float = 0.1) -> Floats:
    random = np.random.default_rng(seed)
    return (gain * random.standard_normal(time_s().size)).astype(np.float32)


def melody(semitones: int = 0) -> Floats:
    steps = np.array([0, 4, 7, 11]) + semitones
    hz = 440 * 2 ** (np.repeat(steps, time_s().size // 4) / 12)
    return (0.3 * np.sin(2 * np.pi * np.cumsum(hz) / RATE_HZ)).astype(np.float32)


def plucks(*starts_s: float) -> Floats:
    """A decaying burst of noise at each start."""
    since = [time_s() - start for start in starts_s]
    envelopes = [np.where(t >= 0, np.exp(-np.clip(t, 0, None) / 0.03), 0) for t in since]
    return (np.sum(envelopes, axis=0) * noise(1, 0.3)).astype(np.float32)


@pytest.mark.parametrize("name", DISTANCES)
def test_a_sound_has_zero_distance_to_itself_and_some_to_another(name: str) -> None:
    distance = DISTANCES[name]
    assert distance(melody(), melody()) == 0
    assert distance(melody(), noise()) > 0


@pytest.mark.parametrize("name", LIKENESSES)
def test_a_sound_has_full_likeness_to_itself(name: str) -> None:
    sound = melody() + plucks(0.3, 0.9, 1.5)
    assert LIKENESSES[name](sound, sound) == pytest.approx(1.0)


@pytest.mark.parametrize("name", DISTANCES)
def test_a_little_noise_is_nearer_than_a_lot(name: str) -> None:
    sound = melody()
    near, far = (sound + noise(gain=gain) for gain in (0.003, 0.1))
    assert DISTANCES[name](sound, near) < DISTANCES[name](sound, far)


def test_spectral_distance_of_a_known_gain() -> None:
    # Half the amplitude: mean((X/2)^2) / mean(X^2) = 1/4, and ln 2 where eps does not count.
    found = metrics.spectral_distance(noise(), 0.5 * noise(), 1e-7)
    assert found == pytest.approx(0.25 + math.log(2), abs=1e-4)


def test_the_spectral_distance_of_silence_is_one_for_a_large_eps() -> None:
    found = metrics.spectral_distance(noise(), 0 * noise(), 1e9)
    assert found == pytest.approx(1.0, abs=1e-6)


def test_eps_decides_whether_inaudible_noise_counts() -> None:
    audible = tone(440)
    hissing = audible + noise(gain=1e-5)
    steered, rave = (metrics.spectral_distance(audible, hissing, eps) for eps in (1e-3, 1e-7))
    assert steered < 0.2 < rave


def test_log_mel_l1_of_half_the_amplitude_is_six_decibels() -> None:
    loud = noise(gain=0.3)
    found = metrics.log_mel_l1(loud, 0.5 * loud, FEATURES)
    assert found == pytest.approx(2 * 6.0206 / 80, abs=2e-3)


def test_mfcc_distance_ignores_the_level() -> None:
    sound = melody() + noise(gain=0.01)
    assert metrics.mfcc_distance(sound, 0.5 * sound, RATE_HZ) == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("octave", [-12, 12])
def test_chroma_ignores_the_octave(octave: int) -> None:
    assert metrics.chroma_correlation(melody(), melody(octave), RATE_HZ) > 0.9


@pytest.mark.parametrize("semitones", [1, 2, 6])
def test_chroma_detects_a_transposition(semitones: int) -> None:
    assert metrics.chroma_correlation(melody(), melody(semitones), RATE_HZ) < 0.3


def test_chroma_of_silence_is_not_a_number() -> None:
    assert math.isnan(metrics.chroma_correlation(melody(), 0 * melody(), RATE_HZ))


def test_onsets_are_found_at_their_times() -> None:
    times = metrics.onset_times(plucks(0.3, 0.9, 1.5), RATE_HZ)
    np.testing.assert_allclose(times, [0.3, 0.9, 1.5], atol=metrics.ONSET_TOLERANCE_S)


@pytest.mark.parametrize(("shift_s", "expected"), [(0.02, 1.0), (0.15, 0.0)])
def test_onsets_may_shift_by_less_than_the_tolerance(shift_s: float, expected: float) -> None:
    true, late = plucks(0.3, 0.9, 1.5), plucks(0.3 + shift_s, 0.9 + shift_s, 1.5 + shift_s)
    assert metrics.onset_f1(true, late, RATE_HZ) == expected


def test_missing_onsets_cost_recall() -> None:
    # One of three found: precision 1, recall 1/3.
    found = metrics.onset_f1(plucks(0.3, 0.9, 1.5), plucks(0.9), RATE_HZ)
    assert found == pytest.approx(0.5)


def test_onsets_of_silence_score_zero_or_nan() -> None:
    silence = 0 * tone(440)
    assert metrics.onset_f1(plucks(0.5, 1.0), silence, RATE_HZ) == 0
    assert math.isnan(metrics.onset_f1(silence, plucks(0.5, 1.0), RATE_HZ))


@pytest.mark.parametrize(("gain", "expected_db"), [(1.0, 0.0), (0.5, -6.0206), (2.0, 6.0206)])
def test_level_is_in_decibels(gain: float, expected_db: float) -> None:
    assert metrics.level_db(noise(), gain * noise()) == pytest.approx(expected_db, abs=1e-3)
