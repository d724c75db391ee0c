"""The random walk: slow, within its reach, reproducible, and added to the desk's values."""

from __future__ import annotations

import numpy as np
import pytest
from pythonosc.osc_message_builder import build_msg

from server.engine.random_walk import REACH_SPREADS, RandomWalk
from tests import mini_bundle
from tests.server.control_inputs import ControlRig

FRAME_S = 0.01


def way(
    frames: int, rate_hz: float, *, depth: float = 1.0, block: int = 16, seed: int = 0
) -> np.ndarray:
    walk = RandomWalk(4, FRAME_S, seed)
    depths, rates = np.full(block, depth), np.full(block, rate_hz)
    return np.concatenate([walk.follow(depths, rates) for _ in range(frames // block)], axis=1)


@pytest.mark.parametrize("rate_hz", [0.5, 2.0])
def test_the_walk_moves_no_faster_than_its_rate(rate_hz: float) -> None:
    walked = way(2**15, rate_hz)
    power = np.abs(np.fft.rfft(walked * np.hanning(walked.shape[1]))) ** 2
    frequencies_hz = np.fft.rfftfreq(walked.shape[1], FRAME_S)
    assert power[:, frequencies_hz > rate_hz].sum() < 2e-3 * power.sum()
    assert power[:, frequencies_hz > rate_hz / 4].sum() > 0.05 * power.sum()


def test_the_walk_varies_by_about_a_spread_and_stays_within_its_reach() -> None:
    walked = way(2**15, 2.0)
    assert 0.8 < walked.std() < 1.2
    assert np.abs(walked).max() <= REACH_SPREADS
    assert np.abs(np.corrcoef(walked)[np.triu_indices(4, 1)]).max() < 0.2


def test_the_walk_begins_at_zero_and_depth_scales_it() -> None:
    assert np.abs(way(16, 0.2)[:, 0]).max() < 1e-3
    np.testing.assert_allclose(way(512, 2.0, depth=0.25), way(512, 2.0) / 4)
    assert not way(512, 2.0, depth=0.0).any()


def test_the_same_seed_walks_the_same_way_at_any_block_size() -> None:
    for block in (1, 4, 64):
        np.testing.assert_array_equal(way(512, 2.0, block=block), way(512, 2.0))
    assert (way(512, 2.0, seed=1)[:, 100:] != way(512, 2.0)[:, 100:]).all()


def test_the_walk_pauses_while_its_depth_is_zero() -> None:
    walk = RandomWalk(4, FRAME_S)
    rates = np.full(8, 5.0)
    first = walk.follow(np.array([1.0, 1, 1, 1, 0, 0, 0, 0]), rates)
    walk.follow(np.zeros(8), rates)
    later = walk.follow(np.ones(8), rates)
    together = RandomWalk(4, FRAME_S).follow(np.ones(12), np.full(12, 5.0))
    np.testing.assert_array_equal(first[:, 4:], 0)
    np.testing.assert_array_equal(np.concatenate([first[:, :4], later], axis=1), together)


@pytest.mark.parametrize("block", [1, 4, 16])
def test_the_walk_moves_style_but_not_the_desk_values(block: int) -> None:
    rig = ControlRig()
    rig.put_decks()
    rig.send(build_msg("/walk", 1.0).dgram)
    rig.send(build_msg("/walk/rate", 10.0).dgram)
    rig.send(build_msg("/latent/1", 1.0).dgram)
    rig.render(256, block)
    latents = mini_bundle.bundle().latents
    walk = RandomWalk(mini_bundle.STYLE_DIMS, mini_bundle.HOP / mini_bundle.RATE_HZ)
    offsets = walk.follow(np.ones(256), np.full(256, 10.0))
    offsets[1] += 1.0
    wanted = latents.rotation.T @ (latents.spread[:, None] * offsets)
    np.testing.assert_allclose(rig.session.style, wanted, atol=1e-5)
    assert rig.desk.snapshot().vector("/latent") == (0.0, 1.0, 0.0, 0.0)
