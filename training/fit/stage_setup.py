"""Builds a stage: its model, objective and optimiser, new or as the run's resume file has them."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import torch
from lightning.fabric.utilities.seed import seed_everything

from model import checkpoint
from model.config import preset
from model.instrument import Instrument
from training.fit.beginning import NO_PROGRESS, load_initial_part
from training.fit.compiling import compile_networks
from training.fit.resume import restore
from training.fit.settings import FitSettings
from training.fit.stages import Stage
from training.objectives.objective import Objective
from training.support.processes import share_statistics

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class StageSetup:
    """A stage's model, objective and optimiser, and their progress so far."""

    model: Instrument
    objective: Objective
    optimiser: torch.optim.Optimizer
    progress: checkpoint.Progress


def set_up_stage(stage: Stage, device: torch.device, settings: FitSettings) -> StageSetup:
    """Build a stage with its initial weights, or the state to go on from.

    Raises:
        ConfigError, CheckpointError: the run does not fit ``settings``.
    """
    seed_everything(settings.seed, verbose=False)
    model = Instrument(preset(settings.preset)).to(device)
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub
    share_statistics(model, device)
    compile_networks(model, settings.compile, device)
    model.encoder.requires_grad_(not settings.frozen_encoder)
    objective = stage.objective(model, _load_earlier_parts(stage, model, settings))
    objective.to(device)
    optimiser = _optimiser(objective, settings)
    return StageSetup(
        model, objective, optimiser, _resume(stage, model, objective, optimiser, settings)
    )


def _load_earlier_parts(stage: Stage, model: Instrument, settings: FitSettings) -> frozenset[str]:
    """Load the weights of earlier stages into the model; return the parts that exist."""
    run = settings.out
    present = [part for part in stage.earlier_parts if checkpoint.has_part(run, part)]
    for part in stage.earlier_parts:
        if part in present:
            checkpoint.load_part(run, part, checkpoint.modules_of(model, part))
        elif part in stage.needs:
            raise checkpoint.CheckpointError(
                f"{run} has no {part} yet, which stage {stage.number} needs; train it first"
            )
        else:
            logger.warning("no %s in %s yet: %s trains without it", part, run, stage.part)
    return frozenset(present)


def _resume(
    stage: Stage,
    model: Instrument,
    objective: Objective,
    optimiser: torch.optim.Optimizer,
    settings: FitSettings,
) -> checkpoint.Progress:
    """Restore the state that this stage saved, with ``--resume``, or load its initial weights."""
    run, part = settings.out, stage.part
    if checkpoint.has_resume(run, part):
        if not settings.resume:
            raise checkpoint.CheckpointError(
                f"{run} already holds a trained {part}; go on with --resume, or give another --out"
            )
        if checkpoint.has_part(run, part) and checkpoint.is_outdated(run, part, model.encoder):
            return _begin_again(stage, objective, run)
        tensors, progress = checkpoint.load_resume(run, part)
        restore(tensors, objective, optimiser)
        return progress
    if checkpoint.has_part(run, part):
        return load_initial_part(run, part, objective)
    if settings.pretrained and part == "autoencoder":
        model.encoder.trunk.load_imagenet()
    return dict(NO_PROGRESS)


def _begin_again(stage: Stage, objective: Objective, run: Path) -> checkpoint.Progress:
    """Begin with step 1, since the saved state was trained with an earlier encoder."""
    if stage.adapts:
        checkpoint.load_part(run, stage.part, objective.learned())
    logger.warning(
        "stage %d of %s belongs to an earlier encoder and begins again with the weights of %s",
        stage.number,
        run,
        stage.part if stage.adapts else " and ".join(stage.needs),
    )
    return dict(NO_PROGRESS)


def _optimiser(objective: Objective, settings: FitSettings) -> torch.optim.Optimizer:
    groups = objective.parameter_groups(settings.learning_rate)
    peaks = [{"initial_lr": group["lr"], **group} for group in groups]
    return torch.optim.AdamW(peaks, betas=(0.9, 0.98), weight_decay=1e-3)
