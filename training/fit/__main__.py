"""Train the instrument: ``python -m training.fit STORE --out RUN``.

The stages of ``stages.py`` one after the other: each writes its own part of the run every few
minutes, and when it is stopped, and goes on from there with ``--resume``.
"""

from __future__ import annotations

import logging
import sys

import torch
from lightning.fabric import Fabric

from model import checkpoint
from model.config import ConfigError
from training.fit.beginning import begin_run
from training.fit.budget import Budget
from training.fit.loading import batches_of
from training.fit.resume import random_undisturbed, snapshot
from training.fit.settings import FitSettings, parse_args
from training.fit.stage_setup import set_up_stage
from training.fit.stages import STAGES, Stage
from training.fit.stopping import StoppedError, Stopping
from training.store.index import StoreError
from training.store.store import Store
from training.support.precision import precision_for
from training.support.processes import (
    ProcessError,
    complain,
    on_rank_zero,
    others_may_end,
    rank_by_rank,
    start_processes,
)
from training.support.run_log import DataWait, NotFiniteError, RunLog

logger = logging.getLogger(__name__)


def fit(settings: FitSettings) -> None:
    """Train the chosen stages one after the other.

    Raises:
        ConfigError, StoreError, CheckpointError: what was given does not fit together.
        NotFiniteError: the loss became NaN or infinite; the last checkpoint is good.
        ProcessError: the processes asked for cannot be had, or one of them failed.
        StoppedError: Ctrl-C or SIGTERM came, and the step under way is kept.
    """
    fabric = start_processes(
        settings.devices, settings.nodes, settings.strategy, precision_for(settings.precision)
    )
    with others_may_end():
        on_rank_zero(fabric, lambda: begin_run(settings, fabric.device))
        store = Store.open(settings.store)
        for number, minutes in zip(settings.stages, settings.minutes, strict=True):
            fit_stage(STAGES[number], minutes, fabric, store, settings)
        fabric.barrier()


def fit_stage(
    stage: Stage, minutes: float, fabric: Fabric, store: Store, settings: FitSettings
) -> None:
    """One stage from its first (or, resumed, its next) step to the end of its budget."""
    run, part = settings.out, stage.part
    learner = rank_by_rank(fabric, lambda: set_up_stage(stage, fabric.device, settings))
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
        batches_of(stage, model, store, settings, first), use_distributed_sampler=False
    )
    log = RunLog(run, part, first, seen["loss"], shown=fabric.is_global_zero)
    waiting = DataWait()

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

        on_rank_zero(fabric, write)

    with Stopping(fabric) as stopping:
        for step, batch in budget.bar(
            waiting.watch(batches), part, hidden=not fabric.is_global_zero
        ):
            for group in optimiser.param_groups:
                group["lr"] = group["initial_lr"] * budget.learning_rate_factor()
            terms = module(batch, step)
            optimiser.zero_grad()
            fabric.backward(terms["total"])
            terms["gradient"] = _clip(optimiser)
            optimiser.step()
            log.terms(terms, step)
            budget.say(f"{waiting.share():.0%} waiting, {log.line()}")
            if stopping.due(step):
                break
            if budget.checkpoint_due():
                save(step)
        save(step)
        stopping.end(step)


def _clip(optimiser: torch.optim.Optimizer) -> torch.Tensor:
    """Shorten each group's gradient to a norm of 1; returns the largest norm there was."""
    norms = [
        torch.nn.utils.clip_grad_norm_(group["params"], max_norm=1.0)
        for group in optimiser.param_groups
    ]
    return torch.stack(norms).max()


def main(argv: list[str] | None = None) -> int:
    """Command line; 0 on success, 2 on bad input, 130 or 143 where a signal came."""
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
    except StoppedError as stopped:
        complain("training.fit", stopped)
        return stopped.exit_code
    except KeyboardInterrupt:
        print("training.fit: stopped; go on with --resume", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
