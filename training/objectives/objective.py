"""What one stage of training learns and how: the loop in ``fit.py`` knows no more than this."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from model.instrument import Instrument
from training.store.store import Store
from training.support.run_log import RunLog


class Objective(nn.Module):
    """A stage's loss with all that it descends; ``stages.py`` lists the ones there are.

    ``forward(batch, step)`` gives the terms of the loss by name, each the mean over its items;
    ``total`` is descended, in one backward and one step of the optimiser. Every parameter that
    requires a gradient gets one at every step: several processes wait for each other's.

    A run's resume file holds the ``state_dict`` of the whole objective: weights that only
    training needs (discriminators) belong here as submodules and nowhere else.
    """

    def learned(self) -> dict[str, nn.Module]:
        """What the instrument keeps, by the name it has there: the run's ``<part>.safetensors``."""
        raise NotImplementedError

    def parameter_groups(self, learning_rate: float) -> list[dict[str, Any]]:
        """AdamW's groups, each with the peak of its own ``lr``; gradients are clipped by group."""
        return [{"params": [p for p in self.parameters() if p.requires_grad], "lr": learning_rate}]

    def memory(self) -> dict[str, Tensor]:
        """What the items of a batch carry to the next, (B, ...) each, item by item."""
        return {}

    def recall(self, memory: dict[str, Tensor]) -> None:
        """Inverse of ``memory``; empty where nothing is carried yet."""

    def measured(self, model: Instrument, store: Store) -> dict[str, Tensor]:
        """Figures of the training music that belong to these weights and are stored with them."""
        return {}

    def show(self, log: RunLog, store: Store, model: Instrument, step: int) -> None:
        """Pictures and figures of held-out music, with every checkpoint."""
