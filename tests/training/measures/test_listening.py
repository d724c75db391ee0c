"""Figures of what is heard, on sounds with known answers."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal
from numpy.typing import NDArray

from training.measures.listening import (
    buzz_db,
    high_band_distance,
    mean_colour_db,
    mel_distance_db,
    power_above_db,
    power_db,
    share_of_way,
    side_db,
)

RATE_HZ = 44_100
Sound = NDArray[np.float32]


def noise(seed: int = 0, seconds: float = 2.0) -> Sound:
    random = np.random.default_rng(seed)
    return (0.1 * random.standard_normal(int(seconds * RATE_HZ))).astype(np.float32)


def below(hz: float, sound: Sound) -> Sound:
    sections = scipy.signal.butter(8, hz, "lowpass", fs=RATE_HZ, output="sos")
    return scipy.signal.sosfiltfilt(sections, sound).astype(np.float32)


def test_power_is_in_decibels_of_full_scale() -> None:
    assert power_db(np.full(100, 0.1, np.float32)) == pytest.approx(-20, abs=1e-4)
    assert power_db(np.zeros(100, np.float32)) == pytest.approx(-120)


def test_the_side_is_the_difference_of_the_channels_and_mono_has_none() -> None:
    one = noise()
    assert np.isnan(side_db(np.stack([one, one])))
    assert side_db(np.stack([one, 0 * one])) == pytest.approx(power_db(one))


def test_only_what_is_above_counts_as_bright() -> None:
    full, dull = noise(), below(2000, noise())
    assert power_above_db(full, RATE_HZ, 5500) - power_above_db(dull, RATE_HZ, 5500) > 60
    assert np.isnan(power_above_db(full, RATE_HZ, RATE_HZ))


def test_the_high_band_is_compared_alone() -> None:
    truth = noise()
    low_tone = 0.2 * np.sin(2 * np.pi * 440 * np.arange(truth.size) / RATE_HZ)
    assert high_band_distance(truth, (truth + low_tone).astype(np.float32), RATE_HZ) < 0.01
    assert high_band_distance(truth, below(9000, truth), RATE_HZ) > 1
    assert np.isnan(high_band_distance(truth, truth, 22_050))


def test_a_mel_distance_hears_no_level() -> None:
    truth = noise()
    assert mel_distance_db(truth, 0.3 * truth, RATE_HZ) < 0.01
    assert mel_distance_db(truth, below(3000, truth), RATE_HZ) > 5


def test_a_colour_half_way_lies_half_way() -> None:
    bright, dark = (mean_colour_db(one, RATE_HZ) for one in (noise(), below(3000, noise())))
    assert share_of_way(bright, dark, bright) == 0
    assert share_of_way(bright, dark, (bright + dark) / 2) == pytest.approx(0.5)
    assert np.isnan(share_of_way(bright, bright, dark))


def test_colour_is_that_of_the_loud_parts() -> None:
    loud = noise()
    with_quiet_hiss = np.concatenate([below(3000, loud), 0.003 * noise(1)])
    np.testing.assert_allclose(
        mean_colour_db(with_quiet_hiss, RATE_HZ)[:30],
        mean_colour_db(below(3000, loud), RATE_HZ)[:30],
        atol=1.5,
    )


def test_a_pulse_at_the_hop_rate_buzzes_and_noise_does_not() -> None:
    hop_hz = RATE_HZ / 512
    plain = noise()
    pulse = 1 + 0.5 * np.sin(2 * np.pi * hop_hz * np.arange(plain.size) / RATE_HZ)
    pulsing = (plain * pulse).astype(np.float32)
    assert buzz_db(plain, RATE_HZ, hop_hz) < 15
    assert buzz_db(pulsing, RATE_HZ, hop_hz) > buzz_db(plain, RATE_HZ, hop_hz) + 10
    assert buzz_db(pulsing, RATE_HZ, 1.31 * hop_hz) < 15
    assert np.isnan(buzz_db(plain[:9000], RATE_HZ, hop_hz))
