"""A deck with detail: at rest it is its recording; knobs leave it and come back without a step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch

from model.config import PRESETS
from model.vocoder import PhaseSynthesis
from model.vocoder import Spectra as TorchSpectra
from server.engine.deck import DeckData, Recording
from server.engine.detail import DetailSynthesis
from tests.server.engine.detail_rig import (
    FRAMES,
    GRID,
    HOP,
    MANIFEST,
    RATE,
    SAMPLES,
    USUAL_BLOCKS,
    DetailRig,
    deck,
    distance,
    level_db,
    original,
    recording_of,
    spectral_distance,
)
from tests.server.fakes import FakeSpectraSession

SETTLED = 60
"""Frames after which nothing is left of a first window, in the filters of the output stage."""
FINE = 3e-6
"""A tenth of the last bit of 16: a few bins at the noise floor reach ``MOST_LEFT_OUT``."""
NEAR = 1e-3
"""Allows for what the DC blocker remembers of one window."""


def with_wrong_reference(one: DeckData) -> DeckData:
    """A deck whose network is wrong, within what is believed of it (``MOST_LEFT_OUT``)."""
    assert one.reference is not None
    wrong = np.random.default_rng(1).uniform(-1.5, 1.5, one.reference.shape)
    return replace(one, reference=(one.reference + wrong).astype(np.float16))


def chord() -> Recording:
    """Steady tones, so that any click stands out."""
    turns = np.arange(SAMPLES)[:, None] / SAMPLES * np.array([600, 800, 1100])
    tones = np.sin(2 * np.pi * turns) @ np.array([[1, 0.5], [0.7, 0.7], [0.5, 1]])
    hiss = np.random.default_rng(1).standard_normal(tones.shape)
    return recording_of(0.1 * tones + 1e-3 * hiss)


def steepest(sound: np.ndarray) -> float:
    return float(np.abs(np.diff(sound)).max())


@pytest.mark.parametrize("blocks", [(1,), (3,), (64,), USUAL_BLOCKS])
@pytest.mark.parametrize("start", [0, 1, 777, 40_001])
def test_a_deck_at_rest_is_its_recording(start: int, blocks: Sequence[int]) -> None:
    one = deck(1)
    rig, bypassed = DetailRig(one), DetailRig(one)
    bypassed.set("/deck/a/bypass", 1)
    for made in (rig, bypassed):
        made.engine.playhead.begin_at(start / SAMPLES)
    sound, wanted = rig.play(2 * FRAMES, blocks), bypassed.play(2 * FRAMES)
    rest = slice(SETTLED * HOP, None)
    np.testing.assert_allclose(sound[:, rest], wanted[:, rest], atol=FINE)
    assert np.abs(sound).max() > 0.3


def test_a_network_that_is_wrong_is_not_heard_at_rest() -> None:
    one = deck(1)
    sound, wanted = DetailRig(with_wrong_reference(one)).play(FRAMES), original(one, frames=FRAMES)
    rest = slice(SETTLED * HOP, None)
    np.testing.assert_allclose(sound[:, rest], wanted[:, rest], atol=5e-5)


def test_a_deck_at_rest_is_its_recording_whatever_the_network_says() -> None:
    one = deck(1, recording=chord())
    assert one.reference is not None
    mute = replace(one, reference=np.full_like(one.reference, -9))
    sound, wanted = DetailRig(mute).play(FRAMES), original(one, frames=FRAMES)
    assert distance(sound[:, SETTLED * HOP :], wanted[:, SETTLED * HOP :]) < NEAR


def test_a_loop_does_not_change_from_pass_to_pass() -> None:
    rig = DetailRig(deck(1))
    rig.set("/loop", 0.25, 0.5)
    passes = rig.play(50 * FRAMES // 4).reshape(2, 50, -1)
    np.testing.assert_allclose(passes[:, 1], passes[:, 49], atol=NEAR)
    np.testing.assert_allclose(passes[:, 9], passes[:, 49], atol=1e-7)
    assert np.ptp(passes[:, 49]) > 0.1


def after_a_jump(address: str, *values: float) -> tuple[np.ndarray, np.ndarray]:
    """What plays from one window after a jump, with detail and bypassed."""
    one = deck(1)
    rig, bypassed = DetailRig(with_wrong_reference(one)), DetailRig(one)
    bypassed.set("/deck/a/bypass", 1)
    sounds = []
    for made in (rig, bypassed):
        before = made.play(SETTLED)
        made.set(address, *values)
        sounds.append(np.concatenate([before, made.play(8)], axis=1)[:, (SETTLED + 3) * HOP :])
    return sounds[0], sounds[1]


@pytest.mark.parametrize(
    ("address", "value"),
    [("/position", 50_003 / SAMPLES), ("/position", 1 / SAMPLES), ("/slice", 5), ("/slice", 15)],
)
def test_after_a_jump_the_recording_plays_from_the_new_place(address: str, value: float) -> None:
    assert distance(*after_a_jump(address, value)) < NEAR


@pytest.mark.parametrize("frames", [-7, 5])
def test_after_a_short_jump_the_recording_plays_from_the_new_place(frames: int) -> None:
    assert distance(*after_a_jump("/position", (SETTLED + frames) / FRAMES)) < NEAR


@pytest.mark.parametrize("frames", [6, 8])
def test_a_short_loop_is_its_part_of_the_recording(frames: int) -> None:
    sounds = []
    for address in ("/detail", "/deck/a/bypass"):
        rig = DetailRig(deck(1))
        rig.set(address, 1)
        rig.set("/loop", 0.25, 0.25 + frames / FRAMES)
        passes = rig.play(20 * frames).reshape(2, 20, -1)
        sounds.append(passes[:, 2:, 4 * HOP :])
    assert distance(*sounds) < NEAR


@pytest.mark.parametrize("knob", range(4))
def test_a_knob_leaves_the_recording_without_a_step(knob: int) -> None:
    one = deck(1)
    wanted = original(one, frames=FRAMES)

    def moved(value: float) -> float:
        rig = DetailRig(one)
        rig.set(f"/latent/{knob}", value)
        return spectral_distance(rig.play(FRAMES)[:, SETTLED * HOP :], wanted[:, SETTLED * HOP :])

    assert moved(0) < 2e-4
    distances = [moved(value) for value in (0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1)]
    steps = np.diff(distances)
    assert (steps > 0).all()
    assert distances[2] < 0.02 * distances[-1]
    assert steps.max() < 0.3 * distances[-1]


def test_a_knob_that_returns_brings_the_recording_back() -> None:
    one = deck(1)
    rig = DetailRig(one)
    rig.set("/latent/0", 2)
    before = rig.play(FRAMES)
    rig.set("/latent/0", 0)
    sound, wanted = rig.play(FRAMES), original(one, frames=2 * FRAMES)
    assert distance(before, wanted[:, : FRAMES * HOP]) > 0.3
    two_seconds = round(2 * RATE / HOP) * HOP
    assert distance(sound[:, two_seconds:], wanted[:, FRAMES * HOP + two_seconds :]) < NEAR


def test_more_detail_is_nearer_to_the_recording() -> None:
    one = deck(1)
    wanted = original(one, frames=FRAMES)[:, SETTLED * HOP :]
    distances = []
    for value in (0, 0.25, 0.5, 0.75, 0.95, 1):
        rig = DetailRig(one)
        rig.set("/detail", value)
        distances.append(distance(rig.play(FRAMES)[:, SETTLED * HOP :], wanted))
    assert (np.diff(distances) < 0).all()


@pytest.mark.parametrize("settings", [{"/detail": 0.5}, {"/detail": 0.9, "/latent/0": 1}])
@pytest.mark.parametrize("blocks", [(1,), (5,), USUAL_BLOCKS])
def test_with_some_detail_chunked_equals_whole(
    settings: dict[str, float], blocks: Sequence[int]
) -> None:
    sounds = []
    for sizes in (blocks, (FRAMES,)):
        rig = DetailRig(deck(1))
        for address, value in settings.items():
            rig.set(address, value)
        sounds.append(rig.play(FRAMES, sizes))
    np.testing.assert_allclose(*sounds, atol=1e-5)


@pytest.mark.parametrize("detail", [0.3, 0.7])
def test_phases_do_not_drift_from_the_recording(detail: float) -> None:
    one = deck(1)
    rig = DetailRig(one)
    rig.set("/detail", detail)
    sound, wanted = rig.play(11 * FRAMES), original(one, frames=11 * FRAMES)
    passes = [slice(n * FRAMES * HOP, (n + 1) * FRAMES * HOP) for n in (1, 10)]
    early, late = (distance(sound[:, one], wanted[:, one]) for one in passes)
    assert late == pytest.approx(early, rel=0.05)


@pytest.mark.parametrize("names", ["a", "ab"])
def test_without_detail_the_latents_alone_sound_in_the_middle(names: str) -> None:
    sounds = []
    for shift in (0, 5000):
        decks = [deck(n) for n, _ in enumerate(names)]
        moved = [np.roll(one.recording.pcm, shift, axis=0) for one in decks if one.recording]
        decks = [
            replace(one, recording=Recording(pcm)) for one, pcm in zip(decks, moved, strict=True)
        ]
        rig = DetailRig(*decks)
        rig.set("/detail", 0)
        rig.set("/interp", 0.4)
        sounds.append(rig.play(FRAMES))
    np.testing.assert_array_equal(sounds[0][0], sounds[0][1])
    np.testing.assert_array_equal(*sounds)
    assert level_db(sounds[0]) > -40


def test_without_detail_the_sound_is_the_models_own() -> None:
    """The same spectra through ``model.vocoder``."""
    random, frames = np.random.default_rng(1), 100
    style, structure = (random.normal(-1, 0.5, (dims, frames)) for dims in (4, 6))
    session = FakeSpectraSession(MANIFEST)
    noise = random.standard_normal((frames * GRID.per_frame, GRID.bins)).astype(np.float32)
    decoded = session.step(style.astype(np.float32), structure.astype(np.float32), noise.T)
    sound = DetailSynthesis(MANIFEST, 0).play(decoded, noise, [])
    model = PhaseSynthesis(PRESETS["small"])
    rows = (decoded.log_magnitude, decoded.advance, decoded.spread)
    spectra = TorchSpectra(*(torch.from_numpy(row.T.copy())[None] for row in rows))
    with torch.no_grad():
        wanted, _ = model(spectra, torch.from_numpy(noise.T.copy())[None], model.initial_state(1))
    np.testing.assert_allclose(sound, np.repeat(wanted.numpy(), 2, axis=0), atol=1e-3)
    assert sound.std() > 0.01


def test_pitch_transposes_the_recording_with_its_detail() -> None:
    tone = np.sin(2 * np.pi * np.arange(SAMPLES) * 1200 / SAMPLES)  # 404 Hz
    hiss = 1e-3 * np.random.default_rng(1).standard_normal((SAMPLES, 2))
    one = deck(1, recording=recording_of(np.stack([0.3 * tone, 0.1 * tone], axis=1) + hiss))
    sounds = []
    for semitones in (0, 12):
        rig = DetailRig(one)
        rig.set("/pitch", semitones)
        sounds.append(rig.play(3 * FRAMES)[:, 2 * FRAMES * HOP :])
    plain, octave_up = sounds
    for sound, turns in ((plain, 1200), (octave_up, 2400)):
        power = np.square(np.abs(np.fft.rfft(sound * np.hanning(SAMPLES))))
        assert (power[:, turns - 3 : turns + 4].sum(axis=1) > 0.99 * power.sum(axis=1)).all()
    assert level_db(octave_up[0]) == pytest.approx(level_db(plain[0]), abs=0.5)
    side_db = level_db(octave_up[1]) - level_db(octave_up[0])
    assert side_db == pytest.approx(20 * np.log10(1 / 3), abs=0.5)


def test_a_fault_of_the_decoder_costs_one_block_and_the_recording_returns() -> None:
    one = deck(1)
    rig = DetailRig(one)
    rig.session.faulty = {10: np.nan}
    sound, wanted = rig.play(2 * FRAMES, (4,)), original(one, frames=2 * FRAMES)
    assert np.isfinite(sound).all()
    assert (rig.engine.failed_blocks, rig.session.resets) == (1, 1)
    assert distance(sound[:, FRAMES * HOP :], wanted[:, FRAMES * HOP :]) < NEAR


@pytest.mark.parametrize("frames", [2, 4, 9])
def test_switching_detail_off_and_on_makes_no_click(frames: int) -> None:
    one = deck(1, recording=chord())
    steady = []
    for detail in (0, 1):
        rig = DetailRig(one)
        rig.set("/detail", detail)
        steady.append(steepest(rig.play(FRAMES)[:, SETTLED * HOP :]))
    rig = DetailRig(one)
    parts = [rig.play(SETTLED)]
    for turn in range(40):
        rig.set("/detail", turn % 2)
        parts.append(rig.play(frames, (1,)))
    switched = np.concatenate(parts, axis=1)[:, SETTLED * HOP // 2 :]
    assert steepest(switched) < 1.5 * max(steady)
