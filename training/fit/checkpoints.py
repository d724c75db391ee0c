"""Checkpoints of a stage: weights, progress and resume file, written by the first process."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from lightning.fabric import Fabric

from model import checkpoint
from training.fit.resume import random_undisturbed, snapshot
from training.fit.stage_setup import StageSetup
from training.store.store import Store
from training.support.processes import on_rank_zero
from training.support.run_log import RunLog


@dataclass(frozen=True)
class CheckpointWriter:
    """Saves a stage into the folder of its log; every process must call ``save``."""

    fabric: Fabric
    setup: StageSetup
    optimiser: torch.optim.Optimizer
    store: Store
    log: RunLog
    batch: int

    def save(self, step: int, trained_s: float, data_wait: float) -> None:
        """Save the state after ``step`` and log pictures of held-out music.

        Raises:
            WriteError: nothing could be written; the previous checkpoint is kept.
        """
        progress = {
            "steps": step,
            "seconds": round(trained_s, 3),
            "batch": self.batch,
            "data_wait": round(data_wait, 4),
            "loss": self.log.fetch(),
        }
        objective, model = self.setup.objective, self.setup.model
        resume = snapshot(self.fabric, objective, self.optimiser)

        def write() -> None:
            with random_undisturbed():
                checkpoint.save_part(
                    self.log.run,
                    self.log.part,
                    objective.learned(),
                    progress,
                    objective.measured(model, self.store),
                    resume,
                )
                objective.show(self.log, self.store, model, step)

        on_rank_zero(self.fabric, write)
