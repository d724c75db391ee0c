"""The order of knobs: strongest first, and + increases what changes most."""

from __future__ import annotations

import numpy as np

from export.bundle.format import StyleStatistics
from training.evaluate.naming import POSITIONS, effects_of
from training.evaluate.traverse import sorted_by_effect

DIMS, DESCRIPTORS, CLIPS = 8, 4, 3


def space() -> StyleStatistics:
    rows, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((DIMS, DIMS)))
    return StyleStatistics(
        mean=np.zeros(DIMS, np.float32),
        rotation=rows.astype(np.float32),
        spread=np.linspace(1.2, 0.3, DIMS).astype(np.float32),
    )


def test_knobs_are_sorted_by_effect_and_point_towards_more() -> None:
    random = np.random.default_rng(0)
    slopes = random.standard_normal((DIMS, 1, 1, DESCRIPTORS))
    traverses = slopes * np.array(POSITIONS)[:, None] + np.zeros((1, CLIPS, 1, 1))
    latents, turned = sorted_by_effect(space(), traverses)
    change = effects_of(turned)
    strongest = np.abs(change).max(axis=1)
    assert (np.diff(strongest) <= 0).all()
    assert (change.max(axis=1) == strongest).all()
    # The axes were turned in the same way as their effects.
    along = np.einsum("pd,qd->pq", latents.rotation, space().rotation)
    np.testing.assert_allclose(change, along @ effects_of(traverses), rtol=1e-4, atol=1e-4)
