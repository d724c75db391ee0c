"""Soft takeover: tables of knob positions and the resulting control values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.midi.mappings.mapping import TAKEOVERS, Takeover
from server.midi.mappings.takeover import NO_GRIP, turned

Asked = float | None


def played(takeover: Takeover, control: float, *places: float) -> list[Asked]:
    """The value the knob asks for at each position, while nothing else moves the control."""
    grip, asked = NO_GRIP, []
    present: float | None = control
    for place in places:
        grip = turned(takeover, grip, place, present)
        if grip.asked is not None:
            control = grip.asked
        present = None if grip.asked is not None else control
        asked.append(grip.asked)
    return asked


@pytest.mark.parametrize(
    ("takeover", "control", "places", "asked"),
    [
        ("jump", 0.8, (0.1, 0.2), [0.1, 0.2]),
        ("pick-up", 0.8, (0.1, 0.5, 0.7, 0.9, 0.6), [None, None, None, 0.9, 0.6]),
        ("pick-up", 0.2, (0.9, 0.5, 0.1, 0.3), [None, None, 0.1, 0.3]),
        ("pick-up", 0.5, (0.5, 0.9), [0.5, 0.9]),
        ("pick-up", 1.0, (0.2, 1.0, 0.4), [None, 1.0, 0.4]),
        ("pick-up", 0.0, (0.2, 0.0, 0.4), [None, 0.0, 0.4]),
        ("pick-up", 0.5, (0.1, 0.495), [None, 0.495]),
        ("scale", 0.8, (0.2, 0.6, 1.0, 0.5), [None, 0.9, 1.0, 0.5]),
        ("scale", 0.8, (0.4, 0.2, 0.0, 0.3), [None, 0.4, 0.0, 0.3]),
        ("scale", 0.2, (0.6, 0.8, 1.0), [None, 0.6, 1.0]),
        ("scale", 0.5, (0.5, 0.7), [0.5, 0.7]),
        ("scale", 0.5, (0.2, 0.2), [None, None]),
        ("scale", 0.505, (0.4, 0.5, 0.9), [None, pytest.approx(0.5875), pytest.approx(0.9175)]),
    ],
)
def test_the_control_follows_the_knob_by_the_rules_of_its_takeover(
    takeover: Takeover, control: float, places: tuple[float, ...], asked: list[Asked]
) -> None:
    assert played(takeover, control, *places) == [
        one if one is None else pytest.approx(one) for one in asked
    ]


@pytest.mark.parametrize(
    ("takeover", "asked"), [("jump", 0.65), ("pick-up", None), ("scale", 0.2 * (1 - 0.05 / 0.6))]
)
def test_a_control_moved_by_something_else_must_be_taken_over_again(
    takeover: Takeover, asked: Asked
) -> None:
    grip = turned(takeover, NO_GRIP, 0.6, 0.6)
    assert grip.holds
    grip = turned(takeover, grip, 0.6, None)
    moved = turned(takeover, grip, 0.65 if takeover != "scale" else 0.55, 0.2)
    assert moved.asked == (asked if asked is None else pytest.approx(asked))


@given(st.sampled_from(TAKEOVERS), st.floats(0, 1), st.lists(st.floats(0, 1), max_size=20))
def test_any_takeover_stays_in_range_and_ends_at_the_knob(
    takeover: Takeover, control: float, places: list[float]
) -> None:
    asked = played(takeover, control, *places, 0.0, 1.0, 0.25)
    assert all(one is None or -1e-9 <= one <= 1 + 1e-9 for one in asked)
    assert asked[-1] == 0.25


@given(st.floats(0, 1), st.lists(st.floats(0, 1), min_size=2, max_size=20))
def test_scaling_moves_in_the_direction_of_the_knob(control: float, places: list[float]) -> None:
    asked = played("scale", control, *places)
    at, knob = control, places[0]
    for place, one in zip(places[1:], asked[1:], strict=True):
        if one is not None:
            assert (one - at) * (place - knob) >= -1 / 127
            at = one
        knob = place
