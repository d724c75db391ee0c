"""The engine renders desk and decks: same bits, any block size, never a click."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from server.controls.desk import Desk
from server.controls.events import Panic, Play, SetControl, Stop
from server.controls.table import control_table
from server.engine.engine import Engine
from server.engine.limiter import CEILING_DB
from server.engine.runtime import RuntimeOptions
from server.engine.session import OrtDecoderSession
from server.engine.structure_prior import OrtPrior, StructurePrior
from tests import mini_bundle
from tests.server.fakes import FakePrior, FakeSession, fake_deck

HOP, RATE = mini_bundle.HOP, mini_bundle.RATE_HZ
CLICK = 0.12
"""The steepest step of the fake sine at full level is 0.06; a sine cut in half would jump 0.5."""


@dataclass
class Rig:
    engine: Engine
    desk: Desk
    session: FakeSession

    def set(self, address: str, *values: float) -> None:
        self.desk.apply([SetControl(address, values)])

    def render(self, frames: int) -> np.ndarray:
        return self.engine.render(frames)


def rig(
    *,
    level_db: float = 0.0,
    decks: bool = True,
    playing: bool = True,
    prior: StructurePrior | None = None,
) -> Rig:
    bundle = mini_bundle.bundle()
    desk = Desk(control_table(mini_bundle.STYLE_DIMS), playing=playing)
    session = FakeSession(bundle.manifest)
    engine = Engine(bundle.manifest, bundle.latents, session, desk, prior=prior)
    made = Rig(engine, desk, session)
    made.set("/level", level_db)
    if decks:
        made.engine.put_deck("a", fake_deck("a", 0.0))
        made.engine.put_deck("b", fake_deck("b", 1.0, ticks=28))
    return made


def steepest(audio: np.ndarray) -> float:
    return float(np.abs(np.diff(audio[0])).max())


def test_without_decks_the_engine_is_silent_and_the_decoder_idle() -> None:
    made = rig(decks=False)
    audio = made.render(9)
    assert audio.shape == (2, 9 * HOP)
    assert audio.dtype == np.float32
    assert not audio.any()
    assert not made.session.styles


@pytest.mark.parametrize(("interp", "style", "structure"), [(0.0, 0.0, 0.4), (1.0, 1.0, 0.8)])
def test_the_ends_of_interp_are_the_unmixed_decks(
    interp: float, style: float, structure: float
) -> None:
    made = rig(decks=False)
    made.engine.put_deck("a", fake_deck("a", 0.0, structure=0.4))
    made.engine.put_deck("b", fake_deck("b", 1.0, structure=0.8))
    made.set("/interp", interp)
    made.render(5)
    np.testing.assert_array_equal(made.session.style, np.float32(style))
    np.testing.assert_array_equal(made.session.structure, np.float32(structure))


def test_style_and_structure_are_interpolated_separately() -> None:
    made = rig(decks=False)
    made.engine.put_deck("a", fake_deck("a", 0.0, structure=0.4))
    made.engine.put_deck("b", fake_deck("b", 1.0, structure=0.8))
    made.set("/interp/style", 0.25)
    made.set("/interp/structure", 0.5)
    made.render(4)
    np.testing.assert_allclose(made.session.style, 0.25, atol=1e-6)
    np.testing.assert_allclose(made.session.structure, 0.6, atol=1e-6)


@pytest.mark.parametrize("loaded", ["a", "b"])
def test_an_empty_deck_is_replaced_by_the_other(loaded: str) -> None:
    made = rig(decks=False)
    made.engine.put_deck(loaded, fake_deck("x", 0.7, structure=0.5))
    made.set("/interp", 0.3)
    made.render(4)
    np.testing.assert_allclose(made.session.style, 0.7, atol=1e-6)


def test_an_offset_moves_style_along_its_direction_in_spreads() -> None:
    made = rig()
    made.set("/latent/1", 2.0)
    made.render(3)
    latents = mini_bundle.bundle().latents
    wanted = latents.rotation[1] * latents.spread[1] * 2.0
    np.testing.assert_allclose(made.session.style[:, 0], wanted, atol=1e-6)


def test_the_first_values_apply_at_once_and_later_ones_glide() -> None:
    made = rig()
    made.set("/interp/style", 1.0)
    made.render(2)
    np.testing.assert_array_equal(made.session.style, 1.0)
    made.set("/interp/style", 0.0)
    made.render(60)
    style = made.session.style[0, 2:]
    decay = np.exp(-HOP / RATE / 0.02)
    np.testing.assert_allclose(style[:8], decay ** np.arange(1, 9), atol=1e-5)
    assert (np.diff(style) <= 0).all()
    assert style[-1] < 1e-4


def test_each_deck_loops_at_its_own_length_without_a_seam() -> None:
    made = rig()
    ticks = {"a": 20, "b": 28}
    frames = 280 * mini_bundle.TICK_FRAMES
    for interp, name in ((0.0, "a"), (1.0, "b")):
        made = rig()
        made.set("/interp", interp)
        made.render(frames)
        heard = made.session.structure[0]
        loop = ticks[name] * mini_bundle.TICK_FRAMES
        np.testing.assert_allclose(heard[loop:], heard[:-loop], atol=1e-6)
        # One tick up the ramp is 0.5/19; the way back from its end takes one tick as well.
        assert np.abs(np.diff(heard)).max() <= 0.5 / mini_bundle.TICK_FRAMES + 1e-6


def test_frames_are_interpolated_between_ticks_as_in_training() -> None:
    made = rig(decks=False)
    made.engine.put_deck("a", fake_deck("a", 0.0, ticks=11))
    made.render(6)
    step = 0.05
    wanted = 0.5 + step * np.array([0.25, 0.75, 1.25, 1.75, 2.25])
    np.testing.assert_allclose(made.session.structure[0, 1:], wanted, atol=1e-6)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
def test_block_size_does_not_matter(size: int) -> None:
    def play(sizes: list[int]) -> np.ndarray:
        made = rig(level_db=6.0)
        made.set("/interp", 0.3)
        made.session.gain = 1.5
        return np.concatenate([made.render(n) for n in sizes], axis=1)

    frames = 192
    sizes = [size] * (frames // size) + ([frames % size] if frames % size else [])
    np.testing.assert_allclose(play(sizes), play([frames]), atol=1e-5)


def test_block_size_does_not_matter_for_the_real_decoder() -> None:
    def play(size: int) -> np.ndarray:
        bundle = mini_bundle.bundle()
        desk = Desk(control_table(mini_bundle.STYLE_DIMS), playing=True)
        session = OrtDecoderSession(bundle, RuntimeOptions(device="cpu"))
        engine = Engine(bundle.manifest, bundle.latents, session, desk)
        engine.put_deck("a", fake_deck("a", 0.4))
        return np.concatenate([engine.render(size) for _ in range(60 // size)], axis=1)

    np.testing.assert_allclose(play(1), play(60), atol=1e-4)
    np.testing.assert_array_equal(play(4), play(4))


def test_the_same_calls_give_the_same_bits() -> None:
    def play() -> bytes:
        made = rig()
        made.set("/interp", 0.4)
        first = made.render(9)
        made.set("/latent/0", 1.5)
        return first.tobytes() + made.render(30).tobytes()

    assert play() == play()


def test_stop_fades_out_and_idles_and_play_resumes() -> None:
    made = rig()
    parts = [made.render(40)]
    made.desk.apply([Stop()])
    parts += [made.render(1) for _ in range(20)]
    assert not parts[-1].any()
    steps, position = len(made.session.styles), made.engine.playhead.position_frames
    parts.append(made.render(10))
    assert len(made.session.styles) == steps
    made.desk.apply([Play()])
    parts.append(made.render(40))
    assert made.engine.playhead.position_frames == position + 40
    whole = np.concatenate(parts, axis=1)
    assert np.abs(parts[-1]).max() > 0.3
    assert steepest(whole) < CLICK


def test_mute_is_ramped_and_keeps_the_playhead_running() -> None:
    made = rig()
    first = made.render(40)
    made.set("/mute", 1)
    muted = made.render(60)
    assert not muted[0, -HOP:].any() or np.abs(muted[0, -HOP:]).max() < 1e-5
    made.set("/mute", 0)
    again = made.render(40)
    assert made.engine.playhead.position_frames == 140
    assert steepest(np.concatenate([first, muted, again], axis=1)) < CLICK
    assert np.abs(again[0, -HOP:]).max() > 0.1


def test_panic_silences_clears_the_state_and_stays_stopped() -> None:
    made = rig()
    first = made.render(40)
    made.desk.apply([Panic()])
    after = made.render(40)
    made.render(1)
    assert made.session.resets == 1
    assert not after[0, -20 * HOP :].any()
    assert steepest(np.concatenate([first, after], axis=1)) < CLICK
    made.desk.apply([Play()])
    assert np.abs(made.render(40)).max() > 0.3
    assert made.session.resets == 1


def test_panic_and_play_at_once_clears_the_state_and_plays() -> None:
    made = rig()
    made.render(40)
    made.desk.apply([Panic(), Play()])
    audio = np.concatenate([made.render(1) for _ in range(80)], axis=1)
    assert made.session.resets == 1
    assert np.abs(audio[0, -HOP:]).max() > 0.1
    assert steepest(audio) < CLICK


def test_the_level_is_in_decibels_and_ramped() -> None:
    loud, quiet = rig(level_db=0.0), rig(level_db=-20.0)
    np.testing.assert_allclose(quiet.render(50), loud.render(50) / 10, atol=1e-6)
    loud.set("/level", -60.0)
    assert steepest(loud.render(50)) < CLICK


@pytest.mark.parametrize(
    "fault", [np.nan, np.inf, -np.inf, RuntimeError("no memory"), RuntimeError()]
)
def test_a_failing_decoder_is_silent_counted_and_reset(
    fault: float | Exception,
) -> None:
    made = rig()
    made.session.faulty = {10: fault}
    audio = np.concatenate([made.render(4) for _ in range(40)], axis=1)
    assert np.isfinite(audio).all()
    assert made.engine.failed_blocks == 1
    assert made.session.resets == 1
    assert np.abs(audio[0, 44 * HOP :]).max() > 0.3
    assert steepest(audio) < CLICK


def test_the_output_never_exceeds_the_ceiling() -> None:
    made = rig(level_db=6.0)
    made.session.gain = 40.0
    audio = made.render(100)
    assert np.abs(audio).max() <= 10 ** (CEILING_DB / 20) + 1e-6
    assert np.abs(audio).max() > 0.8


def test_a_replaced_deck_is_crossfaded_in_latent_space() -> None:
    made = rig(decks=False)
    made.engine.put_deck("a", fake_deck("a", 0.0, structure=0.4))
    made.render(10)
    made.engine.put_deck("a", fake_deck("c", 1.0, structure=0.8))
    made.render(30)
    style = made.session.style[0, 10:]
    fade_frames = round(0.05 * RATE / HOP)
    np.testing.assert_allclose(
        style[:fade_frames], np.arange(1, fade_frames + 1) / fade_frames, atol=1e-6
    )
    np.testing.assert_array_equal(style[fade_frames:], 1.0)


def test_a_deck_loaded_where_none_was_fades_in_from_the_other() -> None:
    made = rig(decks=False)
    made.engine.put_deck("a", fake_deck("a", 0.0))
    made.set("/interp", 1.0)
    made.render(10)
    made.engine.put_deck("b", fake_deck("b", 1.0))
    made.render(3)
    made.render(20)
    style = made.session.style[0, 10:]
    assert 0 < style[0] < 0.2
    assert (np.diff(style) >= 0).all()
    assert style[-1] == 1.0


def test_a_deck_loaded_while_stopped_plays_without_a_fade() -> None:
    made = rig(playing=False)
    made.render(2)
    made.engine.put_deck("a", fake_deck("c", 0.5))
    made.render(2)
    made.desk.apply([Play()])
    made.render(2)
    np.testing.assert_array_equal(made.session.style, 0.5)


def mini_prior() -> OrtPrior:
    return OrtPrior(mini_bundle.prior_onnx(), mini_bundle.manifest())


def test_an_unused_prior_changes_no_bit() -> None:
    with_prior, without = rig(prior=mini_prior()), rig()
    for _ in range(5):
        np.testing.assert_array_equal(with_prior.render(7), without.render(7))


@pytest.mark.parametrize("size", [1, 3, 64])
def test_generated_structure_leaves_the_loop_and_returns_without_a_click(size: int) -> None:
    def play() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        made, parts = rig(prior=mini_prior()), []
        made.set("/interp", 0.4)
        for generate in (0, 1, 0.5, 0):
            made.set("/generate", generate)
            parts += [made.render(size) for _ in range(192 // size)]
        loops = rig()
        loops.set("/interp", 0.4)
        loops.render(4 * 192)
        return np.concatenate(parts, axis=1), made.session.structure, loops.session.structure

    audio, played, looped = play()
    np.testing.assert_array_equal(played[:, :192], looped[:, :192])
    assert np.abs(played[:, 250:384] - looped[:, 250:384]).min(axis=0).mean() > 0.05
    np.testing.assert_allclose(played[:, -64:], looped[:, -64:], atol=1e-2)
    assert np.abs(np.diff(played, axis=1)).max() < 0.3
    assert steepest(audio) < CLICK
    again = play()
    assert audio.tobytes() == again[0].tobytes()


def test_generated_structure_follows_the_current_style() -> None:
    made = rig(prior=(prior := FakePrior()))
    made.set("/generate", 1)
    made.render(20)
    before = prior.styles[-1]
    made.set("/latent/0", 3.0)
    made.set("/interp/style", 1.0)
    made.render(200)
    np.testing.assert_allclose(prior.styles[-1], made.session.style[:, -1], atol=1e-3)
    assert np.abs(prior.styles[-1] - before).max() > 0.5


def test_panic_resets_the_prior() -> None:
    made = rig(prior=(prior := FakePrior()))
    made.render(40)
    made.desk.apply([Panic()])
    made.render(40)
    made.render(1)
    assert prior.resets == 1


def test_a_prior_that_fails_leaves_the_decks_playing() -> None:
    made = rig(prior=(prior := FakePrior()))
    made.set("/generate", 1)
    prior.faulty = dict.fromkeys(range(1000), np.nan)
    audio = made.render(200)
    assert np.isfinite(audio).all()
    assert np.abs(audio[0, -HOP:]).max() > 0.1
    assert made.engine.failed_ticks == len(prior.received)
    assert made.engine.failed_blocks == 0
    assert made.session.structure.max() <= 1.0
