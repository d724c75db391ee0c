"""Batches for a stage of training, by number."""

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
    """From the ``first`` not yet seen: resumed runs go on, they do not repeat."""
    supply = BatchRequest(
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
        stage.batches(model, supply),
        batch_size=None,
        sampler=range(first, settings.steps),
        num_workers=workers,
        pin_memory=workers > 0,
        # Of its own: a loader draws a number when it starts, also where a resumed run starts it.
        generator=torch.Generator(),
        worker_init_fn=_leave_interrupts,
    )


def _leave_interrupts(worker: int) -> None:
    """Ctrl-C at a terminal reaches workers too: they serve until the steps under way are kept."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
