"""Train the instrument: ``python -m training.fit STORE --out RUN``.

Runs the stages of ``stages.py`` one after the other. Each writes its own part of the run every few
minutes and when it is stopped, and goes on from there with ``--resume``.
"""

from __future__ import annotations

import logging
import sys

import torch

from model.checkpoint import CheckpointError
from model.config import ConfigError
from training.fit.beginning import begin_run
from training.fit.settings import FitSettings, parse_args
from training.fit.stages import STAGES
from training.fit.stopping import StoppedError
from training.fit.train_stage import train_stage
from training.store.index import StoreError
from training.store.store import Store
from training.support.precision import precision_for
from training.support.processes import (
    ProcessError,
    complain,
    on_rank_zero,
    others_may_end,
    start_processes,
)
from training.support.run_log import NotFiniteError

ERRORS = (ConfigError, StoreError, CheckpointError, NotFiniteError, ProcessError, OSError)
"""Errors that the user can fix: one line and exit code 2."""


def main(argv: list[str] | None = None) -> int:
    """Entry point: 0 on success, 2 on bad input, 130 or 143 after a signal."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    settings = parse_args(argv)
    if settings.threads:
        torch.set_num_threads(settings.threads)
    try:
        fit(settings)
    except ERRORS as error:
        complain("training.fit", error)
        return 2
    except StoppedError as stopped:
        complain("training.fit", stopped)
        return stopped.exit_code
    except KeyboardInterrupt:
        print("training.fit: stopped; go on with --resume", file=sys.stderr)
        return 130
    return 0


def fit(settings: FitSettings) -> None:
    """Train the chosen stages one after the other.

    Raises:
        ConfigError, StoreError, CheckpointError: options, store and run do not fit together.
        NotFiniteError: the loss became NaN or infinite; the last checkpoint is good.
        ProcessError: the processes cannot be started, or one of them failed.
        StoppedError: Ctrl-C or SIGTERM came; the step under way is saved.
    """
    fabric = start_processes(
        settings.devices, settings.nodes, settings.strategy, precision_for(settings.precision)
    )
    with others_may_end():
        on_rank_zero(fabric, lambda: begin_run(settings, fabric.device))
        store = Store.open(settings.store)
        for number, minutes in zip(settings.stages, settings.minutes, strict=True):
            train_stage(STAGES[number], minutes, fabric, store, settings)
        fabric.barrier()


if __name__ == "__main__":
    sys.exit(main())
