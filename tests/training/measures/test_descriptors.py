"""Each descriptor follows the property it is named after, and ignores the level."""

from __future__ import annotations

import numpy as np
import pytest

from export.audio.arrays import Floats
from training.evaluate.naming import Numbers
from training.measures.descriptors import DESCRIPTORS, describe

RATE_HZ = 16_000
SECONDS = 2.0
NAMES = [one.name for one in DESCRIPTORS]


def time_s() -> Numbers:
    return np.arange(int(RATE_HZ * SECONDS)) / RATE_HZ


def tone(hz: float, tilt: float = 0.5) -> Numbers:
    """Harmonics, each weaker than the previous by the factor ``tilt``."""
    orders = range(1, int(RATE_HZ / 2 / hz))
    return sum(tilt**order * np.sin(2 * np.pi * hz * order * time_s()) for order in orders)


def noise(seed: int = 0) -> Numbers:
    return np.random.default_rng(seed).standard_normal(time_s().size)


def struck(a_second: int, rise_s: float) -> Numbers:
    """A tone struck ``a_second`` times a second, its level rising within ``rise_s``."""
    since_s = time_s() % (1 / a_second)
    return tone(220) * np.minimum(since_s / rise_s, 1) * np.exp(-since_s * a_second * 3)


def measured(sound: Numbers, name: str) -> float:
    quiet = np.asarray(0.1 * sound / np.abs(sound).max(), np.float32)
    return float(describe(quiet, RATE_HZ)[NAMES.index(name)])


@pytest.mark.parametrize(
    ("name", "less", "more"),
    [
        ("brightness", tone(220, 0.3), tone(220, 0.8)),
        ("noisiness", tone(220), tone(220) + noise()),
        ("bandwidth", tone(880, 0.1), tone(110, 0.9)),
        ("attack", struck(3, 0.2), struck(3, 0.005)),
        ("pitch", tone(220), tone(440)),
        ("density", struck(2, 0.01), struck(5, 0.01)),
    ],
    ids=["brightness", "noisiness", "bandwidth", "attack", "pitch", "density"],
)
def test_a_descriptor_grows_with_the_property_it_measures(
    name: str, less: Numbers, more: Numbers
) -> None:
    assert measured(more, name) > measured(less, name)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "loudness"])
def test_only_loudness_depends_on_the_level(name: str) -> None:
    sound = np.asarray(0.2 * struck(3, 0.02), np.float32)
    index = NAMES.index(name)
    loud, quiet = describe(sound, RATE_HZ)[index], describe(0.5 * sound, RATE_HZ)[index]
    assert quiet == pytest.approx(loud, rel=1e-2)


def test_loudness_is_in_decibels() -> None:
    sound = np.asarray(0.1 * noise(), np.float32)
    index = NAMES.index("loudness")
    change = describe(2 * sound, RATE_HZ)[index] - describe(sound, RATE_HZ)[index]
    assert change == pytest.approx(6.02, abs=0.01)


@pytest.mark.parametrize("hz", [110.0, 330.0, 700.0])
def test_pitch_is_the_fundamental_in_semitones(hz: float) -> None:
    assert measured(tone(hz, 0.7), "pitch") == pytest.approx(69 + 12 * np.log2(hz / 440), abs=0.7)


def test_silence_is_described_with_finite_numbers() -> None:
    silence: Floats = np.zeros(RATE_HZ, np.float32)
    assert np.isfinite(describe(silence, RATE_HZ)).all()
