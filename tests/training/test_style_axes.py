"""Axes that do one thing are found where there are any, and always make a whole rotation."""

from __future__ import annotations

import numpy as np
import pytest

from export.bundle import Latents
from training.naming import POSITIONS, Numbers, effects_of
from training.style_axes import WANTED_EFFECT, Space, completed, find_axes
from training.traverse import sorted_by_effect

DIMS, DESCRIPTORS, CLIPS = 8, 4, 3


def space(seed: int = 0) -> Latents:
    random = np.random.default_rng(seed)
    rows, _ = np.linalg.qr(random.standard_normal((DIMS, DIMS)))
    return Latents(
        mean=np.zeros(DIMS, np.float32),
        rotation=rows.astype(np.float32),
        spread=np.linspace(1.2, 0.3, DIMS).astype(np.float32),
    )


def world(seed: int, strength: float) -> Numbers:
    """How each descriptor really rises with z, (D, Q): none along an axis of its own."""
    random = np.random.default_rng(seed)
    return strength * random.standard_normal((DIMS, DESCRIPTORS))


def found(slopes: Numbers, seed: int = 0) -> Latents:
    noise = np.random.default_rng(seed)

    def hear(clip: int, offset: Numbers) -> Numbers:
        heard = offset @ slopes + 0.05 * noise.standard_normal(DESCRIPTORS)
        return np.asarray(np.tanh(0.3 * heard) / 0.3)

    return find_axes(space(), hear, CLIPS, 40, np.random.default_rng(seed))


def effects(latents: Latents, slopes: Numbers) -> Numbers:
    return 4 * latents.spread[:, None] * (latents.rotation @ slopes)


@pytest.mark.parametrize("seed", range(3))
def test_each_descriptor_gets_an_axis_that_does_mostly_that(seed: int) -> None:
    slopes = world(seed, 1.0)
    change = effects(found(slopes, seed), slopes)[:DESCRIPTORS]
    assert sorted(np.abs(change).argmax(axis=1)) == list(range(DESCRIPTORS))
    assert (change.max(axis=1) >= WANTED_EFFECT).all()
    assert (change.max(axis=1) == np.abs(change).max(axis=1)).all()


@pytest.mark.parametrize("strength", [1.0, 0.0])
def test_axes_are_a_rotation_of_the_same_space(strength: float) -> None:
    latents, before = found(world(0, strength)), space()
    rows = latents.rotation.astype(np.float64)
    np.testing.assert_allclose(rows @ rows.T, np.eye(DIMS), atol=1e-5)
    covariance = (before.rotation.T * before.spread**2) @ before.rotation
    np.testing.assert_allclose(
        latents.spread**2, np.diag(rows @ covariance @ rows.T), rtol=1e-4, atol=1e-6
    )


def test_where_nothing_is_heard_the_principal_axes_stay() -> None:
    before = space()
    latents = completed(Space(before), before.mean, [])
    np.testing.assert_allclose(
        np.abs(np.sum(latents.rotation * before.rotation, axis=1)), np.ones(DIMS), atol=1e-4
    )
    np.testing.assert_allclose(latents.spread, before.spread, rtol=1e-4)


def test_knobs_are_sorted_by_effect_and_plus_is_more() -> None:
    random = np.random.default_rng(0)
    slopes = random.standard_normal((DIMS, 1, 1, DESCRIPTORS))
    traverses = slopes * np.array(POSITIONS)[:, None] + np.zeros((1, CLIPS, 1, 1))
    latents, turned = sorted_by_effect(space(), traverses)
    change = effects_of(turned)
    strongest = np.abs(change).max(axis=1)
    assert (np.diff(strongest) <= 0).all()
    assert (change.max(axis=1) == strongest).all()
    # The axes were turned the same way as what was heard along them.
    along = np.einsum("pd,qd->pq", latents.rotation, space().rotation)
    np.testing.assert_allclose(change, along @ effects_of(traverses), rtol=1e-4, atol=1e-4)
