"""Starts a run: a folder for one preset, empty or with the weights of a bundle or another run.

Initial weights are parts of the run like any others, with 0 steps: the run can be played at once,
and each stage begins with them.
"""

from __future__ import annotations

from pathlib import Path

import torch

from model import checkpoint
from model.checkpoint import CheckpointError, Progress
from model.config import preset
from model.instrument import Instrument
from training.fit.init_from import PRIOR, load_initial_prior, load_initial_weights
from training.fit.settings import FitSettings
from training.fit.stages import STAGES
from training.objectives.objective import Objective
from training.store.store import Store

NO_PROGRESS: Progress = {"steps": 0, "seconds": 0.0, "loss": {}}


def begin_run(settings: FitSettings, device: torch.device) -> None:
    """Create the run's folder, or check that it and the store are of this preset.

    Raises:
        ConfigError, StoreError, CheckpointError: preset, store and run do not fit together.
    """
    config = preset(settings.preset)
    store = Store.open_for(settings.store, config.preset, config.features.sample_rate_hz)
    if settings.init_from is None:
        checkpoint.save_config(settings.out, config)
        return
    for part in checkpoint.PARTS:
        if checkpoint.has_part(settings.out, part):
            raise CheckpointError(
                f"{settings.out} already holds a trained {part}, and --init-from begins a new run; "
                "leave it out to go on, or give another --out"
            )
    model = Instrument(config)
    load_initial_weights(settings.init_from, model)
    prior = load_initial_prior(settings.init_from, model)
    checkpoint.save_config(settings.out, config)
    progress = NO_PROGRESS | {"from": settings.init_from.name}
    if prior:
        checkpoint.save_part(settings.out, PRIOR, {PRIOR: prior}, progress)
    _save_parts(model.to(device), progress, store, settings.out)


def load_initial_part(run: Path, part: str, objective: Objective) -> Progress:
    """Load the initial weights of a run into the objective of a stage; returns their progress.

    Raises:
        CheckpointError: unreadable, or trained in this run by a stage without a resume file.
    """
    progress = checkpoint.load_part(run, part, objective.learned())
    if progress["steps"]:
        raise CheckpointError(
            f"{run} holds a trained {part} but no {part}.resume.safetensors, so it cannot go on; "
            f"begin another run with --init-from {run}"
        )
    return progress


def _save_parts(model: Instrument, progress: Progress, store: Store, run: Path) -> None:
    for stage in STAGES.values():
        if stage.part in checkpoint.NEEDED_TO_PLAY:
            objective = stage.objective(model, frozenset())
            measured = objective.measured(model, store)
            checkpoint.save_part(run, stage.part, objective.learned(), progress, measured)
