"""The loss of a stage as a table: one row a term, with its name, weight and formula.

A stage computes what its terms compare and hands it to its table; to add a loss, add a row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from torch import Tensor

Computed = TypeVar("Computed")

Schedule = Callable[[int], float]
"""Factor of a term's weight at a step."""


def always(step: int) -> float:
    """1 at every step."""
    return 1.0


def after(steps: int) -> Schedule:
    """0 for the first ``steps``, then 1."""
    return lambda step: float(step > steps)


def rising(steps: int) -> Schedule:
    """Linear from 0 to 1 over the first ``steps``."""
    return lambda step: min(1.0, step / steps)


@dataclass(frozen=True)
class LossTerm(Generic[Computed]):
    """One term: ``loss`` of what the stage computed, a scalar, and how much it counts."""

    name: str
    weight: float
    loss: Callable[[Computed], Tensor]
    schedule: Schedule = always


def losses(table: Sequence[LossTerm[Computed]], computed: Computed) -> dict[str, Tensor]:
    """The value of each term of ``table``, by name."""
    return {term.name: term.loss(computed) for term in table}


def total_loss(table: Sequence[LossTerm[Any]], terms: dict[str, Tensor], step: int) -> Tensor:
    """Weighted sum of ``terms`` at ``step``: the number to descend."""
    first, *others = (term.weight * term.schedule(step) * terms[term.name] for term in table)
    return sum(others, start=first)
