"""Turning a knob: soft takeover, and the steps of endless encoders."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.midi.mappings.mapping import CODINGS, TAKEOVERS, Coding, Takeover
from server.midi.mappings.turning import NO_TAKEOVER, steps, take_over

Target = float | None


def played(mode: Takeover, control: float, *positions: float) -> list[Target]:
    """The knob's target at each position; nothing else moves the control."""
    state, targets = NO_TAKEOVER, []
    moved_to: float | None = control
    for position in positions:
        state = take_over(mode, state, position, moved_to)
        if state.target is not None:
            control = state.target
        moved_to = None if state.target is not None else control
        targets.append(state.target)
    return targets


@pytest.mark.parametrize(
    ("mode", "control", "positions", "targets"),
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
def test_the_control_goes_where_the_table_says(
    mode: Takeover, control: float, positions: tuple[float, ...], targets: list[Target]
) -> None:
    assert played(mode, control, *positions) == [
        one if one is None else pytest.approx(one) for one in targets
    ]


@pytest.mark.parametrize(
    ("mode", "target"), [("jump", 0.65), ("pick-up", None), ("scale", 0.2 * (1 - 0.05 / 0.6))]
)
def test_what_something_else_moved_has_to_be_taken_over_again(
    mode: Takeover, target: Target
) -> None:
    state = take_over(mode, NO_TAKEOVER, 0.6, 0.6)
    assert state.in_control
    state = take_over(mode, state, 0.6, None)
    moved = take_over(mode, state, 0.65 if mode != "scale" else 0.55, 0.2)
    assert moved.target == (target if target is None else pytest.approx(target))


@given(st.sampled_from(TAKEOVERS), st.floats(0, 1), st.lists(st.floats(0, 1), max_size=20))
def test_no_way_leaves_the_range_and_all_end_up_together(
    mode: Takeover, control: float, positions: list[float]
) -> None:
    targets = played(mode, control, *positions, 0.0, 1.0, 0.25)
    assert all(one is None or -1e-9 <= one <= 1 + 1e-9 for one in targets)
    assert targets[-1] == 0.25


@given(st.floats(0, 1), st.lists(st.floats(0, 1), min_size=2, max_size=20))
def test_scaling_moves_the_way_the_knob_does(control: float, positions: list[float]) -> None:
    targets = played("scale", control, *positions)
    at, knob = control, positions[0]
    for position, target in zip(positions[1:], targets[1:], strict=True):
        if target is not None:
            assert (target - at) * (position - knob) >= -1 / 127
            at = target
        knob = position


UP_64, UP_63, DOWN_64, DOWN_63 = range(1, 65), range(1, 64), range(-1, -65, -1), range(-1, -64, -1)

TABLE: list[tuple[Coding, dict[int, int]]] = [
    (
        "signed bit",
        dict(zip(range(1, 65), UP_64, strict=True))
        | dict(zip(range(65, 128), DOWN_63, strict=True)),
    ),
    (
        "signed bit 2",
        dict(zip(range(65, 128), UP_63, strict=True))
        | dict(zip(range(1, 65), DOWN_64, strict=True)),
    ),
    (
        "bin offset",
        dict(zip(range(65, 128), UP_63, strict=True))
        | dict(zip(range(63, 0, -1), DOWN_63, strict=True)),
    ),
    (
        "2's complement",
        dict(zip(range(1, 65), UP_64, strict=True))
        | dict(zip(range(127, 64, -1), DOWN_63, strict=True)),
    ),
]
"""The table of Live's manual, every value of it."""


@pytest.mark.parametrize(("coding", "listed"), TABLE)
def test_every_value_is_as_the_manual_lists_it(coding: Coding, listed: dict[int, int]) -> None:
    assert {raw: steps(coding, raw) for raw in range(128)} == {
        raw: listed.get(raw, 0) for raw in range(128)
    }


def test_the_table_is_whole() -> None:
    assert tuple(coding for coding, _ in TABLE) == CODINGS
