"""Train the instrument: ``python -m training.fit STORE --out RUN``.

The stages of ``stages.py`` one after the other: each writes its own part of the run every few
minutes and goes on from there with ``--resume``.
"""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass
from typing import Any

import torch
from lightning.fabric import Fabric
from lightning.fabric.utilities.seed import seed_everything
from torch.utils.data import DataLoader

from model import checkpoint
from model.config import ConfigError, preset
from model.instrument import Instrument
from training.beginning import NOTHING_SEEN, begin_run, load_first_weights
from training.budget import Budget
from training.compiling import compile_networks
from training.fit_settings import FitSettings, parse_args
from training.objective import Objective
from training.precision import precision_for
from training.processes import (
    ProcessError,
    complain,
    first_does,
    in_order,
    others_may_end,
    process_count,
    process_index,
    share_statistics,
    start_processes,
)
from training.progress import NotFiniteError, RunLog, Waiting
from training.resume import random_undisturbed, restore, snapshot
from training.stages import STAGES, Stage, Supply
from training.store import Store
from training.store_index import StoreError

logger = logging.getLogger(__name__)


def fit(settings: FitSettings) -> None:
    """Train the chosen stages one after the other.

    Raises:
        ConfigError, StoreError, CheckpointError: what was given does not fit together.
        NotFiniteError: the loss became NaN or infinite; the last checkpoint is good.
        ProcessError: the processes asked for cannot be had, or one of them failed.
    """
    fabric = start_processes(
        settings.devices, settings.nodes, settings.strategy, precision_for(settings.precision)
    )
    with others_may_end():
        first_does(fabric, lambda: begin_run(settings, fabric.device))
        store = Store.open(settings.store)
        for number, minutes in zip(settings.stages, settings.minutes, strict=True):
            fit_stage(STAGES[number], minutes, fabric, store, settings)
        fabric.barrier()


def fit_stage(
    stage: Stage, minutes: float, fabric: Fabric, store: Store, settings: FitSettings
) -> None:
    """One stage from its first (or, resumed, its next) step to the end of its budget."""
    run, part = settings.out, stage.part
    learner = in_order(fabric, lambda: _learner(stage, fabric.device, settings))
    model, objective, seen = learner.model, learner.objective, learner.seen
    first = seen["steps"]
    agree = fabric.broadcast if fabric.world_size > 1 else None
    budget = Budget(
        minutes, settings.steps, settings.checkpoint_minutes, seen["seconds"], first, agree
    )
    if budget.over():
        logger.info("%s: has had its %g minutes or %d steps", part, minutes, settings.steps)
        return
    module, optimiser = fabric.setup(objective, learner.optimiser)
    batches = fabric.setup_dataloaders(
        _batches(stage, model, store, settings, first), use_distributed_sampler=False
    )
    log = RunLog(run, part, first, seen["loss"], shown=fabric.is_global_zero)
    waiting = Waiting()

    def save(step: int) -> None:
        progress = {
            "steps": step,
            "seconds": round(budget.trained_s(), 3),
            "batch": settings.batch,
            "data_wait": round(waiting.share(), 4),
            "loss": log.fetch(),
        }
        resume = snapshot(fabric, objective, optimiser)

        def write() -> None:
            with random_undisturbed():
                measured = objective.measured(model, store)
                checkpoint.save_part(run, part, objective.learned(), progress, measured, resume)
                objective.show(log, store, model, step)

        first_does(fabric, write)

    for step, batch in budget.bar(waiting.watch(batches), part, hidden=not fabric.is_global_zero):
        for group in optimiser.param_groups:
            group["lr"] = group["initial_lr"] * budget.learning_rate_factor()
        terms = module(batch, step)
        optimiser.zero_grad()
        fabric.backward(terms["total"])
        terms["gradient"] = _clip(optimiser)
        optimiser.step()
        log.terms(terms, step)
        budget.say(f"{waiting.share():.0%} waiting, {log.line()}")
        if budget.checkpoint_due():
            save(step)
    save(step)


@dataclass(frozen=True)
class Learner:
    """A stage's model, loss and optimiser, and what they have seen so far."""

    model: Instrument
    objective: Objective
    optimiser: torch.optim.Optimizer
    seen: checkpoint.Progress


def _learner(stage: Stage, device: torch.device, settings: FitSettings) -> Learner:
    """With the weights to begin with, or to go on from."""
    seed_everything(settings.seed, verbose=False)
    model = Instrument(preset(settings.preset)).to(device)
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub
    share_statistics(model, device)
    compile_networks(model, settings.compile, device)
    model.encoder.requires_grad_(not settings.frozen_encoder)
    objective = stage.objective(model, _load_earlier_parts(stage, model, settings))
    objective.to(device)
    optimiser = _optimiser(objective, settings)
    return Learner(
        model, objective, optimiser, _resume(stage, model, objective, optimiser, settings)
    )


def _load_earlier_parts(stage: Stage, model: Instrument, settings: FitSettings) -> frozenset[str]:
    """Weights of earlier stages into the model; the names of those that there are."""
    run = settings.out
    there = [part for part in stage.earlier_parts if checkpoint.has_part(run, part)]
    for part in stage.earlier_parts:
        if part in there:
            checkpoint.load_part(run, part, checkpoint.modules_of(model, part))
        elif part in stage.needs:
            raise checkpoint.CheckpointError(
                f"{run} has no {part} yet, which stage {stage.number} goes on from; train it first"
            )
        else:
            logger.warning("no %s in %s yet: %s trains without it", part, run, stage.part)
    return frozenset(there)


def _resume(
    stage: Stage,
    model: Instrument,
    objective: Objective,
    optimiser: torch.optim.Optimizer,
    settings: FitSettings,
) -> checkpoint.Progress:
    """What this stage left, put back where ``--resume`` wants it; else its first weights."""
    run, part = settings.out, stage.part
    if checkpoint.has_resume(run, part):
        if not settings.resume:
            raise checkpoint.CheckpointError(
                f"{run} already holds a trained {part}; go on with --resume, or give another --out"
            )
        tensors, progress = checkpoint.load_resume(run, part)
        restore(tensors, objective, optimiser)
        return progress
    if checkpoint.has_part(run, part):
        return load_first_weights(run, part, objective)
    if settings.pretrained and part == "autoencoder":
        model.encoder.trunk.load_imagenet()
    return dict(NOTHING_SEEN)


def _optimiser(objective: Objective, settings: FitSettings) -> torch.optim.Optimizer:
    groups = objective.parameter_groups(settings.learning_rate)
    peaks = [{"initial_lr": group["lr"], **group} for group in groups]
    return torch.optim.AdamW(peaks, betas=(0.9, 0.98), weight_decay=1e-3)


def _clip(optimiser: torch.optim.Optimizer) -> torch.Tensor:
    """Shorten each group's gradient to a norm of 1; returns the largest norm there was."""
    norms = [
        torch.nn.utils.clip_grad_norm_(group["params"], max_norm=1.0)
        for group in optimiser.param_groups
    ]
    return torch.stack(norms).max()


def _batches(
    stage: Stage, model: Instrument, store: Store, settings: FitSettings, first: int
) -> DataLoader[Any]:
    """Batches by number, from the first not yet seen: resumed runs go on, they do not repeat."""
    supply = Supply(
        store,
        settings.out,
        settings.batch,
        settings.steps,
        settings.seed,
        process_index(),
        process_count(),
    )
    workers = 4 if torch.cuda.is_available() else 0
    return DataLoader(
        stage.batches(model, supply),
        batch_size=None,
        sampler=range(first, settings.steps),
        num_workers=workers,
        pin_memory=workers > 0,
        # Of its own: a loader draws a number when it starts, also where a resumed run starts it.
        generator=torch.Generator(),
    )


def main(argv: list[str] | None = None) -> int:
    """Command line; 0 on success, 2 on bad input."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    settings = parse_args(argv)
    if settings.threads:
        torch.set_num_threads(settings.threads)
    try:
        fit(settings)
    except (
        ConfigError,
        StoreError,
        checkpoint.CheckpointError,
        NotFiniteError,
        ProcessError,
        OSError,
    ) as error:
        complain("training.fit", error)
        return 2
    except KeyboardInterrupt:
        print("training.fit: stopped; go on with --resume", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
