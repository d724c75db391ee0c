"""Where a recording is read: on at speed 1, near the playhead at any other, exact at a jump."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.engine.deck import FULL_SCALE
from server.engine.grains import REACH_S, SCATTER_S, TOLERANCE_S, GrainReader
from tests.server.engine.detail_rig import (
    FRAMES,
    GRID,
    HOP,
    RATE,
    SAMPLES,
    SPECTRUM_HOP,
    DetailRig,
    deck,
    distance,
    level_db,
    music,
)

TEN_SECONDS = round(10 * RATE / HOP)


def read(targets: np.ndarray, block: int = 7) -> tuple[np.ndarray, np.ndarray]:
    """The grains' centres and directions for a playhead at ``targets`` (L,), block by block."""
    reader, random = GrainReader(GRID, RATE), np.random.default_rng(1)
    scatter, jumps = random.uniform(-1, 1, len(targets)), np.zeros(len(targets), np.bool_)
    grains = [
        reader.follow(
            music(1), targets[n : n + block], scatter[n : n + block], jumps[n : n + block]
        )
        for n in range(0, len(targets), block)
    ]
    centres, reversals = zip(*((one.centres, one.reversed) for one in grains), strict=True)
    return np.concatenate(centres), np.concatenate(reversals)


def around(distance_samples: np.ndarray) -> np.ndarray:
    """The shorter way around the loop."""
    wrapped: np.ndarray = (distance_samples + SAMPLES / 2) % SAMPLES - SAMPLES / 2
    return wrapped


@given(start=st.integers(0, SAMPLES - 1), block=st.integers(1, 70), backwards=st.booleans())
def test_at_speed_1_grains_are_consecutive(start: int, block: int, backwards: bool) -> None:
    step = -SPECTRUM_HOP if backwards else SPECTRUM_HOP
    targets = (start + step * np.arange(300.0)) % SAMPLES
    centres, reversals = read(targets, block)
    np.testing.assert_array_equal(centres, targets.astype(np.int64))
    assert not reversals[0] and (reversals[1:] == backwards).all()


@settings(max_examples=20, deadline=None)
@given(start=st.floats(0, SAMPLES - 1), speed=st.floats(-4, 4).filter(lambda s: abs(s) > 0.02))
def test_at_any_speed_grains_stay_near_the_playhead(start: float, speed: float) -> None:
    targets = (start + speed * SPECTRUM_HOP * np.arange(150)) % SAMPLES
    centres, reversals = read(targets)
    assert np.abs(around(centres - targets)).max() <= (TOLERANCE_S + REACH_S) * RATE + 1
    assert (reversals[1:] == (speed < 0)).all()


@given(place=st.floats(0, SAMPLES - 1), frames=st.integers(2, 30))
def test_frozen_grains_scatter_around_the_playhead(place: float, frames: int) -> None:
    centres, reversals = read(np.full(frames * 2, place))
    furthest = (SCATTER_S + REACH_S) * RATE + 1
    assert np.abs(around(centres - place)).max() <= furthest
    assert not reversals.any()
    assert len(np.unique(centres)) > frames / 2


@given(place=st.floats(0, SAMPLES - 1), speed=st.sampled_from([-1.0, 0.0, 0.4, 1.0, 2.0]))
def test_a_jump_goes_to_the_exact_place(place: float, speed: float) -> None:
    before = speed * SPECTRUM_HOP * np.arange(20)
    after = place + speed * SPECTRUM_HOP * np.arange(20)
    centres, reversals = read(np.concatenate([before, after]) % SAMPLES)
    if abs(around(after[:1] - before[-1:])[0]) > 5 * SPECTRUM_HOP:
        assert centres[20] == round(place) % SAMPLES
        assert not reversals[20]


def test_backwards_the_recording_sounds_reversed() -> None:
    one = deck(1)
    rig, bypassed = DetailRig(one), DetailRig(one)
    bypassed.set("/deck/a/bypass", 1)
    for made in (rig, bypassed):
        made.set("/speed", -1)
    sound, wanted = (made.play(2 * FRAMES)[:, FRAMES * HOP :] for made in (rig, bypassed))
    spectra = np.fft.rfft(sound) * np.fft.rfft(wanted).conj()
    delay = int(np.fft.irfft(spectra.sum(axis=0)).argmax())
    delay = (delay + SAMPLES // 2) % SAMPLES - SAMPLES // 2
    # A frame is heard around its middle, backwards too, and a window later; bypassed, before both.
    expected = HOP + 2 * HOP * 3 // 4
    assert abs(delay - expected) <= (TOLERANCE_S + REACH_S) * RATE + 1
    assert distance(sound, np.roll(wanted, delay, axis=1)) < 0.01


@pytest.mark.parametrize("place", [0.1, 0.4, 0.77])
def test_a_frozen_sound_keeps_its_level(place: float) -> None:
    one = deck(1)
    rig = DetailRig(one)
    rig.engine.playhead.begin_at(place)
    rig.set("/freeze", 1)
    sound = rig.play(TEN_SECONDS)[:, 20 * HOP :]
    levels = [level_db(second) for second in np.array_split(sound, 9, axis=1)]
    assert max(levels) - min(levels) < 1
    assert abs(np.mean(levels[:3]) - np.mean(levels[-3:])) < 0.5
    assert one.recording is not None
    centre, reach = round((place * FRAMES + 0.5) * HOP), round(SCATTER_S * RATE)
    scattered = one.recording.pcm[np.arange(centre - reach, centre + reach)] / FULL_SCALE
    assert np.mean(levels) == pytest.approx(level_db(scattered), abs=2)
