"""How a run begins: a folder of one preset, empty or with the weights of a bundle or another run.

Weights to begin with are parts of the run like others, only that they have seen nothing in it: the
run can be played from the first moment, and a stage finds them there whenever it begins.
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

NOTHING_SEEN: Progress = {"steps": 0, "seconds": 0.0, "loss": {}}


def begin_run(settings: FitSettings, device: torch.device) -> None:
    """Start the run's folder, or see that it and the store are of this preset.

    Raises:
        ConfigError, StoreError, CheckpointError: what was given does not fit together.
    """
    config = preset(settings.preset)
    store = Store.open_for(settings.store, config.preset, config.features.sample_rate_hz)
    if settings.init_from is None:
        checkpoint.save_config(settings.out, config)
        return
    for part in checkpoint.PARTS:
        if checkpoint.has_part(settings.out, part):
            raise CheckpointError(
                f"{settings.out} holds a trained {part} already, and --init-from begins a new run; "
                "leave it out to go on, or give another --out"
            )
    model = Instrument(config)
    load_initial_weights(settings.init_from, model)
    prior = load_initial_prior(settings.init_from, model)
    checkpoint.save_config(settings.out, config)
    seen = NOTHING_SEEN | {"from": settings.init_from.name}
    if prior:
        checkpoint.save_part(settings.out, PRIOR, {PRIOR: prior}, seen)
    _keep(model.to(device), seen, store, settings.out)


def load_first_weights(run: Path, part: str, objective: Objective) -> Progress:
    """The weights that a run began with, into a stage that begins with them.

    Raises:
        CheckpointError: unreadable, or trained in this run by a stage that left nothing to go on
            from.
    """
    progress = checkpoint.load_part(run, part, objective.learned())
    if progress["steps"]:
        raise CheckpointError(
            f"{run} holds a trained {part} without {part}.resume.safetensors, which going on "
            f"needs; begin another run with --init-from {run}"
        )
    return progress


def _keep(model: Instrument, seen: Progress, store: Store, run: Path) -> None:
    for stage in STAGES.values():
        if stage.part in checkpoint.NEEDED_TO_PLAY:
            objective = stage.objective(model, frozenset())
            measured = objective.measured(model, store)
            checkpoint.save_part(run, stage.part, objective.learned(), seen, measured)
