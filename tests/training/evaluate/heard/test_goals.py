"""Figures and their goals."""

from __future__ import annotations

import pytest

from training.evaluate.heard.goals import Figure, judged

NAN = float("nan")


@pytest.mark.parametrize(
    ("figure", "goal", "good", "bad"),
    [
        (Figure("a", "a", least=0.9), "at least 0.9", 0.9, 0.89),
        (Figure("a", "a", most=0.05), "at most 0.05", 0.05, 0.06),
        (Figure("a", "a", least=-0.5, most=0.5), "-0.5 to 0.5", -0.5, 0.51),
    ],
)
def test_a_goal_is_reached_up_to_its_limits(
    figure: Figure, goal: str, good: float, bad: float
) -> None:
    assert figure.goal == goal
    assert figure.is_reached(good) is True
    assert figure.is_reached(bad) is False
    assert figure.is_reached(NAN) is None


def test_a_figure_without_limits_has_no_goal() -> None:
    assert Figure("a", "a").goal == ""
    assert Figure("a", "a").is_reached(1.0) is None


def test_the_mean_of_the_rows_that_have_a_figure_is_judged() -> None:
    figures = (Figure("far", "far", most=1.5), Figure("none", "none", most=1))
    far, none = judged(figures, [{"far": 1.0}, {"far": 2.0}, {"far": NAN}, {"other": 9.0}])
    assert (far["mean"], far["count"], far["reached"]) == (1.5, 2, True)
    assert (none["count"], none["reached"]) == (0, None)
