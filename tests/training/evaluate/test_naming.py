"""The naming rule on traverses with known answers."""

from __future__ import annotations

import re

import numpy as np
import pytest

from export.bundle.format import SLUG_PATTERN
from training.evaluate.naming import POSITIONS, Numbers, name_knobs
from training.measures.descriptors import DESCRIPTORS

NAMES = ("brightness", "loudness", "density")
CLIPS = 10


def straight(*effects: float) -> Numbers:
    """A traverse (clips, 7, 3): every clip changes linearly, by ``effects`` from -2 to 2."""
    slopes = np.array(effects) / 4
    return np.tile(np.array(POSITIONS)[:, None] * slopes, (CLIPS, 1, 1))


def named(*traverses: Numbers) -> list[str | None]:
    return [knob.name for knob in name_knobs(np.stack(traverses), NAMES)]


@pytest.mark.parametrize(
    ("effects", "name"),
    [
        ((1.0, 0.5, 0.0), "brightness"),
        ((0.99, 0.5, 0.0), None),
        ((1.2, 1.3, 0.0), "loudness"),
        ((1.2, -1.3, 0.0), None),
        ((0.0, 0.0, 2.0), "density"),
    ],
)
def test_the_largest_effect_names_a_knob_if_it_is_large_enough(
    effects: tuple[float, ...], name: str | None
) -> None:
    assert named(straight(*effects)) == [name]


@pytest.mark.parametrize(("going_back", "name"), [(2, "brightness"), (3, None)])
def test_a_name_needs_eight_of_ten_clips_to_change_in_one_direction(
    going_back: int, name: str | None
) -> None:
    traverse = straight(4.0, 0.0, 0.0)
    traverse[:going_back, POSITIONS.index(0.0), 0] += 2
    assert named(traverse) == [name]


def test_effects_beyond_two_spreads_limit_the_range_and_not_the_name() -> None:
    traverse = straight(2.0, 0.0, 0.0)
    traverse[:, POSITIONS.index(3.0), 0] = 0
    (knob,) = name_knobs(traverse[None], NAMES)
    assert knob.name == "brightness"
    assert knob.range == (-3.0, 2.0)


def test_a_knob_without_effect_still_has_a_range() -> None:
    (knob,) = name_knobs(straight(0.0, 0.0, 0.0)[None], NAMES)
    assert knob.name is None and knob.range == (-3.0, 3.0)
    assert "weaker than 1" in knob.why


def test_the_interval_is_wide_when_clips_differ() -> None:
    traverse = straight(2.0, 0.0, 0.0)
    (sure,) = name_knobs(traverse[None], NAMES)
    assert sure.interval == pytest.approx((2.0, 2.0))
    traverse *= np.linspace(0, 2, CLIPS)[:, None, None]
    (unsure,) = name_knobs(traverse[None], NAMES)
    assert unsure.effect == pytest.approx(2.0)
    assert 1.0 < unsure.interval[0] < 1.6 and 2.4 < unsure.interval[1] < 3.0


def test_equal_names_get_numbers() -> None:
    loud = straight(0.0, 2.0, 0.0)
    assert named(loud, straight(2.0, 0.0, 0.0), loud, loud) == [
        "loudness",
        "brightness",
        "loudness-2",
        "loudness-3",
    ]


def test_descriptors_are_slugs() -> None:
    for one in DESCRIPTORS:
        assert re.fullmatch(SLUG_PATTERN, one.name)
    assert len({one.name for one in DESCRIPTORS}) == len(DESCRIPTORS)
