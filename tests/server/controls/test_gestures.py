"""Gestures: the values of the desk that they set."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from pythonosc.osc_message_builder import build_msg

from server.controls.events import Flatten, MaxOut, Play, Randomise, ResetOffsets, SetControl
from server.controls.gestures import Gestures
from server.controls.table import control_table
from tests import mini_bundle
from tests.server.control_inputs import ControlRig, FakeSender

DIMS = mini_bundle.STYLE_DIMS
LATENTS = mini_bundle.bundle().latents
TABLE = control_table(DIMS)


def made(style: np.ndarray | None = None, seed: int = 0) -> Gestures:
    model = SimpleNamespace(
        table=TABLE,
        bundle=SimpleNamespace(latents=LATENTS),
        engine=SimpleNamespace(deck_style=style),
    )
    return Gestures(SimpleNamespace(newest=model), seed)


def offsets(gestures: Gestures, event: Flatten | Randomise | ResetOffsets) -> np.ndarray:
    (setting,) = gestures.expand(event)
    assert isinstance(setting, SetControl) and setting.address == "/latent"
    return np.array(setting.values)


def test_max_sets_one_dimension_to_the_top_of_its_range() -> None:
    assert made().expand(MaxOut(2)) == (SetControl("/latent/2", (3.0,)),)


def test_flatten_moves_style_to_the_trained_mean() -> None:
    style = LATENTS.mean + LATENTS.rotation.T @ (LATENTS.spread * [1.0, -2.0, 0.5, 0.0])
    flat = offsets(made(style), Flatten())
    moved = style + LATENTS.rotation.T @ (flat * LATENTS.spread)
    np.testing.assert_allclose(moved, LATENTS.mean, atol=1e-5)


def test_flatten_stays_within_the_range_of_offsets() -> None:
    style = LATENTS.mean + LATENTS.rotation.T @ (LATENTS.spread * 100)
    np.testing.assert_array_equal(offsets(made(style), Flatten()), -3.0)


def test_random_stays_within_a_spread_and_repeats_with_its_seed() -> None:
    def some(seed: int) -> np.ndarray:
        gestures = made(seed=seed)
        return np.array([offsets(gestures, Randomise()) for _ in range(200)])

    assert np.abs(some(0)).max() <= 1.0 and np.abs(some(0)).max() > 0.9
    np.testing.assert_array_equal(some(0), some(0))
    assert (some(0) != some(1)).all()
    assert len(np.unique(some(0))) == 200 * DIMS


def test_other_events_pass_through_in_order() -> None:
    given, gestures = (Play(), ResetOffsets(), SetControl("/latent/0", (1.0,))), made()
    first, _, last = (one for event in given for one in gestures.expand(event))
    assert (first, last) == (Play(), SetControl("/latent/0", (1.0,)))


def test_flatten_before_anything_has_played_is_refused_and_moves_nothing() -> None:
    rig = ControlRig(playing=False)
    rig.send(build_msg("/latent/1", 2.0).dgram)
    rig.send(build_msg("/gesture/flatten").dgram)
    (reply,) = rig.sender.replies
    assert (reply.address, reply.arguments[0]) == ("/fail", "/gesture/flatten")
    assert rig.desk.snapshot().vector("/latent") == (0.0, 2.0, 0.0, 0.0)


def test_a_gesture_is_reported_to_all_clients_but_its_sender() -> None:
    rig = ControlRig()
    other = FakeSender("other")
    for sender in (rig.sender, other):
        rig.send(build_msg("/notify", 1).dgram, sender)
    rig.send(build_msg("/gesture/max", 3).dgram)
    rig.pass_time()
    assert other.replies[-1].address == "/latent/3" and other.replies[-1].arguments == (3.0,)
    assert len(rig.sender.replies) == 1
    rig.send(build_msg("/gesture/reset").dgram)
    rig.pass_time()
    assert other.replies[-1].arguments == (0.0,)
    rig.send(build_msg("/latent/3").dgram)
    assert rig.sender.replies[-1].arguments == (0.0,)


@pytest.mark.parametrize("dimension", [-1, DIMS])
def test_a_dimension_that_does_not_exist_is_refused(dimension: int) -> None:
    with pytest.raises(AssertionError, match="out of range"):
        ControlRig().send(build_msg("/gesture/max", dimension).dgram)
