"""The interface between a training stage and the loop in ``training.fit``."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from model.instrument import Instrument
from training.store.store import Store
from training.support.run_log import RunLog


class Objective(nn.Module):
    """The loss of a stage with all modules that it trains; ``training.fit.stages`` lists them.

    ``forward(batch, step)`` returns the terms of the loss by name, each the mean over its items;
    ``total`` is descended, in one backward pass and one step of the optimiser. Every parameter that
    requires a gradient must get one at every step: several processes wait for each other's.

    A run's resume file holds the ``state_dict`` of the whole objective, so weights that only
    training needs (discriminators) belong here as submodules.
    """

    def learned(self) -> dict[str, nn.Module]:
        """The instrument's modules that this stage trains, saved as the run's
        ``<part>.safetensors``, by their names in the instrument."""
        raise NotImplementedError

    def parameter_groups(self, learning_rate: float) -> list[dict[str, Any]]:
        """Groups for AdamW, each with its peak ``lr``; gradients are clipped by group."""
        return [{"params": [p for p in self.parameters() if p.requires_grad], "lr": learning_rate}]

    def memory(self) -> dict[str, Tensor]:
        """The state that the items of a batch carry to the next, (B, ...) each."""
        return {}

    def recall(self, memory: dict[str, Tensor]) -> None:
        """Restore ``memory``; empty if nothing is carried yet."""

    def measured(self, model: Instrument, store: Store) -> dict[str, Tensor]:
        """Measure statistics that are stored with the weights."""
        return {}

    def show(self, log: RunLog, store: Store, model: Instrument, step: int) -> None:
        """Log pictures and figures of held-out music; called at every checkpoint."""
