"""A loss as a table: every row is measured once and counts by its weight and schedule."""

from __future__ import annotations

import pytest
import torch

from training.objectives import adversarial, autoencoding, vocoding
from training.objectives.loss_terms import LossTerm, after, losses, rising, total_loss

TABLE: tuple[LossTerm[torch.Tensor], ...] = (
    LossTerm("mean", 1.0, lambda x: x.mean()),
    LossTerm("power", 10.0, lambda x: x.square().mean(), after(5)),
    LossTerm("peak", 100.0, lambda x: x.amax(), rising(8)),
)


@pytest.mark.parametrize(
    ("step", "expected"), [(0, 2), (2, 2 + 25 * 3), (5, 2 + 62.5 * 3), (6, 52 + 225), (99, 352)]
)
def test_the_total_is_the_weighted_sum_at_a_step(step: int, expected: float) -> None:
    terms = losses(TABLE, torch.tensor([1.0, 3.0]))
    assert {name: float(value) for name, value in terms.items()} == {
        "mean": 2.0,
        "power": 5.0,
        "peak": 3.0,
    }
    assert float(total_loss(TABLE, terms, step)) == pytest.approx(expected)


def test_no_two_terms_of_a_stage_share_a_name() -> None:
    for table in (autoencoding.TERMS, (*vocoding.TERMS, *adversarial.TERMS)):
        names = [term.name for term in table]
        assert len(set(names)) == len(names) and "total" not in names
