"""Figures with a goal: what has to hold, beside what was measured."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from training.evaluate.context import statistics


@dataclass(frozen=True)
class Figure:
    """A row of a question's table: ``name`` is its key, ``least`` and ``most`` are its goal.

    Without a limit it is shown to compare with.
    """

    name: str
    words: str
    unit: str = ""
    least: float | None = None
    most: float | None = None

    @property
    def goal(self) -> str:
        """The goal in words; empty without one."""
        if self.least is not None and self.most is not None:
            return f"{self.least:g} to {self.most:g}"
        if self.least is not None:
            return f"at least {self.least:g}"
        return "" if self.most is None else f"at most {self.most:g}"

    def is_reached(self, value: float) -> bool | None:
        """Whether a value reaches the goal; None without a goal or without a value."""
        if not self.goal or not math.isfinite(value):
            return None
        least = -math.inf if self.least is None else self.least
        most = math.inf if self.most is None else self.most
        return least <= value <= most


def judged(
    figures: Sequence[Figure], rows: Sequence[Mapping[str, float]], seed: int = 0
) -> list[dict[str, Any]]:
    """Each figure with its statistics over ``rows`` that have it, its goal, and if it is reached.

    The mean is what has to reach the goal.
    """
    return [
        _judged(one, [row[one.name] for row in rows if one.name in row], seed) for one in figures
    ]


def _judged(figure: Figure, values: Sequence[float], seed: int) -> dict[str, Any]:
    found = statistics(values, seed)
    return {
        "name": figure.name,
        "words": figure.words,
        "unit": figure.unit,
        "goal": figure.goal,
        "reached": figure.is_reached(found["mean"]),
        **found,
    }
