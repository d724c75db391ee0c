"""The data loader of a stage."""

from __future__ import annotations

import signal
from typing import Any

import torch
from torch.utils.data import DataLoader

from model.instrument import Instrument
from training.fit.settings import FitSettings
from training.fit.stages import BatchRequest, Stage
from training.store.store import Store
from training.support.processes import process_count, process_index

WORKERS_BESIDE_A_GPU = 4


def batches_of(
    stage: Stage, model: Instrument, store: Store, settings: FitSettings, first: int
) -> DataLoader[Any]:
    """Load batches from number ``first`` on: a resumed run goes on and repeats none."""
    request = BatchRequest(
        store,
        settings.out,
        settings.batch,
        settings.steps,
        settings.seed,
        process_index(),
        process_count(),
    )
    workers = WORKERS_BESIDE_A_GPU if torch.cuda.is_available() else 0
    return DataLoader(
        stage.batches(model, request),
        batch_size=None,
        sampler=range(first, settings.steps),
        num_workers=workers,
        pin_memory=workers > 0,
        # A separate one: a loader draws a number at its start, which a resumed run has once more.
        generator=torch.Generator(),
        worker_init_fn=_ignore_interrupts,
    )


def _ignore_interrupts(worker: int) -> None:
    """Ignore Ctrl-C, which reaches workers too: they serve until the step under way is saved."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
