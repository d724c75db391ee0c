"""Trains one stage: batches, steps and checkpoints until its budget is used up."""

from __future__ import annotations

import logging
from typing import Any

import torch
from lightning.fabric import Fabric
from torch import Tensor, nn

from training.fit.budget import Budget
from training.fit.checkpoints import CheckpointWriter
from training.fit.loading import batches_of
from training.fit.settings import FitSettings
from training.fit.stage_setup import set_up_stage
from training.fit.stages import Stage
from training.fit.stopping import Stopping
from training.store.store import Store
from training.support.processes import rank_by_rank
from training.support.run_log import DataWait, RunLog

logger = logging.getLogger(__name__)


def train_stage(
    stage: Stage, minutes: float, fabric: Fabric, store: Store, settings: FitSettings
) -> None:
    """Train from the first (or, resumed, the next) step to the end of the budget.

    Raises:
        ConfigError, CheckpointError: the run does not fit the settings.
        NotFiniteError: the loss became NaN or infinite; the last checkpoint is good.
        StoppedError: a signal came; the step under way is saved.
    """
    setup = rank_by_rank(fabric, lambda: set_up_stage(stage, fabric.device, settings))
    first = setup.progress["steps"]
    budget = _budget(minutes, settings, setup.progress, fabric)
    if budget.over():
        logger.info("%s: %g minutes or %d steps are done", stage.part, minutes, settings.steps)
        return
    module, optimiser = fabric.setup(setup.objective, setup.optimiser)
    batches = fabric.setup_dataloaders(
        batches_of(stage, setup.model, store, settings, first), use_distributed_sampler=False
    )
    hidden = not fabric.is_global_zero
    log = RunLog(settings.out, stage.part, first, setup.progress["loss"], shown=not hidden)
    waiting = DataWait()
    writer = CheckpointWriter(fabric, setup, optimiser, store, log, settings.batch)
    with Stopping(fabric) as stopping:
        # Not in a variable: leaving the loop must close the bar before any message.
        for step, batch in budget.bar(waiting.watch(batches), stage.part, hidden):
            _set_learning_rate(optimiser, budget.learning_rate_factor())
            log.terms(_step(fabric, module, optimiser, batch, step), step)
            budget.say(f"{waiting.share():.0%} waiting, {log.line()}")
            if stopping.due(step):
                break
            if budget.checkpoint_due():
                writer.save(step, budget.trained_s(), waiting.share())
        writer.save(step, budget.trained_s(), waiting.share())
        stopping.end(step)


def _budget(
    minutes: float, settings: FitSettings, progress: dict[str, Any], fabric: Fabric
) -> Budget:
    return Budget(
        minutes,
        settings.steps,
        settings.checkpoint_minutes,
        progress["seconds"],
        progress["steps"],
        agree=fabric.broadcast if fabric.world_size > 1 else None,
    )


def _step(
    fabric: Fabric, module: nn.Module, optimiser: torch.optim.Optimizer, batch: Any, step: int
) -> dict[str, Tensor]:
    """Descend once; return the terms of the loss and the norm of the gradient."""
    terms: dict[str, Tensor] = module(batch, step)
    optimiser.zero_grad()
    fabric.backward(terms["total"])
    terms["gradient"] = _clip(optimiser)
    optimiser.step()
    return terms


def _set_learning_rate(optimiser: torch.optim.Optimizer, factor: float) -> None:
    for group in optimiser.param_groups:
        group["lr"] = group["initial_lr"] * factor


def _clip(optimiser: torch.optim.Optimizer) -> Tensor:
    """Clip each group's gradient to a norm of 1; return the largest norm before."""
    norms = [
        torch.nn.utils.clip_grad_norm_(group["params"], max_norm=1.0)
        for group in optimiser.param_groups
    ]
    return torch.stack(norms).max()
