"""Interpolation between four decks: corners, bilinear shares and spherical arcs."""

from __future__ import annotations

import numpy as np
import pytest

from server.controls.addresses import DECKS
from server.engine.interpolation import shares, spherical

MEAN = np.array([1.0, -2.0, 0.5], np.float32)
CORNERS = [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)]


def column(*values: float) -> np.ndarray:
    return MEAN[:, None] + np.array(values, np.float32)[:, None]


ALONG_AXES = [column(2, 0, 0), column(0, 2, 0), column(0, 0, 2), column(0, -2, 0)]


def at(x: float, y: float) -> tuple[np.ndarray, np.ndarray]:
    return np.array([x]), np.array([y])


@pytest.mark.parametrize(("deck", "corner"), list(enumerate(CORNERS)), ids=DECKS)
def test_a_corner_is_its_deck_alone(deck: int, corner: tuple[float, float]) -> None:
    np.testing.assert_array_equal(shares(*at(*corner))[:, 0], np.eye(4)[deck])
    found = spherical(ALONG_AXES, MEAN, *at(*corner))
    np.testing.assert_allclose(found, ALONG_AXES[deck], atol=1e-6)


def test_shares_are_bilinear_and_sum_to_one() -> None:
    np.testing.assert_allclose(shares(*at(0.25, 0.5))[:, 0], [0.375, 0.125, 0.375, 0.125])
    x, y = np.random.default_rng(1).random((2, 100))
    np.testing.assert_allclose(shares(x, y).sum(axis=0), 1, atol=1e-6)


def test_an_arc_keeps_its_distance_from_the_mean_at_constant_angular_speed() -> None:
    x = np.linspace(0, 1, 11)
    styles = [np.repeat(style, 11, axis=1) for style in ALONG_AXES]
    moved = spherical(styles, MEAN, x, np.zeros(11)) - MEAN[:, None]
    np.testing.assert_allclose(np.linalg.norm(moved, axis=0), 2, atol=1e-5)
    np.testing.assert_allclose(np.arctan2(moved[1], moved[0]), x * np.pi / 2, atol=1e-5)


@pytest.mark.parametrize(
    "end",
    [column(2, 0, 0), column(6, 0, 0), column(-2, 0, 0), column(0, 0, 0), column(2, 1e-5, 0)],
    ids=["the same", "parallel", "opposite", "zero", "nearly parallel"],
)
def test_spherical_is_linear_where_two_directions_do_not_span_an_arc(end: np.ndarray) -> None:
    start = column(2, 0, 0)
    found = spherical([start, end, start, end], MEAN, *at(0.25, 0.0))
    np.testing.assert_allclose(found, 0.75 * start + 0.25 * end, atol=1e-5)


def test_four_decks_at_the_mean_stay_at_the_mean() -> None:
    found = spherical([column(0, 0, 0)] * 4, MEAN, *at(0.3, 0.7))
    np.testing.assert_array_equal(found, column(0, 0, 0))
