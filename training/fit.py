"""Train the instrument: ``python -m training.fit STORE --out RUN``.

Stage 1 fits encoder and decoder to log-mel images, stage 2 the vocoder to their sound. Each
writes its own part of the run every few minutes and goes on from there with ``--resume``.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import torch
from lightning.fabric import Fabric
from lightning.fabric.utilities.seed import seed_everything
from torch.utils.data import DataLoader

from model import checkpoint
from model.config import ConfigError, ModelConfig, preset
from model.instrument import Instrument
from training.autoencoding import Autoencoding
from training.budget import Budget
from training.data import ClipPairs, PairBatch
from training.fit_settings import FitSettings, parse_args
from training.pictures import show_images
from training.precision import precision_for
from training.progress import RunLog
from training.store import Store, StoreError
from training.style_space import measure_style_space
from training.vocoding import Vocoding

logger = logging.getLogger(__name__)

PART_OF_STAGE = {1: "autoencoder", 2: "vocoder"}


def fit(settings: FitSettings) -> None:
    """Train the chosen stages one after the other.

    Raises:
        ConfigError, StoreError, CheckpointError: what was given does not fit together.
        NotFiniteError: the loss became NaN or infinite; the last checkpoint is good.
    """
    config = preset(settings.preset)
    store = _open_store(settings.store, config)
    checkpoint.save_config(settings.out, config)
    seed_everything(settings.seed, verbose=False)
    for stage in settings.stages:
        fit_stage(stage, config, store, settings)


def fit_stage(stage: int, config: ModelConfig, store: Store, settings: FitSettings) -> None:
    """One stage from its first (or, resumed, its next) step to the end of its budget."""
    part = PART_OF_STAGE[stage]
    fabric = Fabric(devices=1, precision=precision_for(settings.precision))
    model = Instrument(config).to(fabric.device)
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub
    seen = _load_what_is_there(part, model, settings)
    objective = _objective(stage, model, settings)
    optimiser = _optimiser(objective, settings)
    if seen["steps"]:
        checkpoint.load_resume(settings.out, part, optimiser)
    module, optimiser = fabric.setup(objective, optimiser)
    batches = fabric.setup_dataloaders(_batches(store, config, settings, seen["steps"]))
    log = RunLog(settings.out, part)
    budget = Budget(settings.minutes, settings.steps, settings.checkpoint_minutes, seen["seconds"])

    def save(step: int) -> None:
        progress = {"steps": step, "seconds": round(budget.trained_s()), "batch": settings.batch}
        checkpoint.save_part(settings.out, part, model, progress | {"loss": log.smooth})
        checkpoint.save_resume(settings.out, part, optimiser)
        if stage == 1:
            space = measure_style_space(model, store)
            checkpoint.save_style_space(settings.out, space)
        show_images(log, store, model, step)

    step = seen["steps"]
    for step, batch in budget.bar(batches, part, first=seen["steps"]):
        for group in optimiser.param_groups:
            group["lr"] = settings.learning_rate * budget.learning_rate_factor(step)
        terms = module(batch, step)
        _check_finite(terms["total"], step, settings.out)
        optimiser.zero_grad()
        fabric.backward(terms["total"])
        fabric.clip_gradients(module, optimiser, max_norm=1.0)
        optimiser.step()
        log.terms(terms, step)
        budget.say(log.line())
        if budget.checkpoint_due():
            save(step)
    save(step)


class NotFiniteError(ValueError):
    """The loss became NaN or infinite."""


def _open_store(path: Path, config: ModelConfig) -> Store:
    store = Store.open(path)
    if store.sample_rate_hz != config.features.sample_rate_hz:
        raise StoreError(
            f"{path} is at {store.sample_rate_hz} Hz, preset '{config.preset}' needs "
            f"{config.features.sample_rate_hz} Hz; prepare it with --preset {config.preset}"
        )
    return store


def _load_what_is_there(part: str, model: Instrument, settings: FitSettings) -> dict[str, int]:
    """Weights of this stage when resuming; of stage 1, if it has run, for stage 2."""
    run = settings.out
    if part == "vocoder" and checkpoint.has_part(run, "autoencoder"):
        checkpoint.load_part(run, "autoencoder", model)
    if checkpoint.has_part(run, part):
        if not settings.resume:
            raise checkpoint.CheckpointError(
                f"{run} already holds a trained {part}; go on with --resume, or give another --out"
            )
        return checkpoint.load_part(run, part, model)
    if settings.pretrained and part == "autoencoder":
        model.encoder.trunk.load_imagenet()
    return {"steps": 0, "seconds": 0}


def _objective(stage: int, model: Instrument, settings: FitSettings) -> Autoencoding | Vocoding:
    if stage == 1:
        return Autoencoding(model.config, model.encoder, model.decoder)
    if checkpoint.has_part(settings.out, "autoencoder"):
        return Vocoding(model.config, model.vocoder, model)
    logger.warning("no autoencoder in %s yet: the vocoder hears true images only", settings.out)
    return Vocoding(model.config, model.vocoder, None)


def _optimiser(objective: torch.nn.Module, settings: FitSettings) -> torch.optim.Optimizer:
    parameters = [p for p in objective.parameters() if p.requires_grad]
    return torch.optim.AdamW(
        parameters, lr=settings.learning_rate, betas=(0.9, 0.98), weight_decay=1e-3
    )


def _batches(
    store: Store, config: ModelConfig, settings: FitSettings, first: int
) -> DataLoader[PairBatch]:
    """Batches by number, from the first not yet seen: resumed runs go on, they do not repeat."""
    pairs = ClipPairs(
        store, config.input_samples, settings.batch // 2, settings.steps, settings.seed
    )
    workers = 4 if torch.cuda.is_available() else 0
    return DataLoader(
        pairs,
        batch_size=None,
        sampler=range(first, settings.steps),
        num_workers=workers,
        pin_memory=workers > 0,
    )


def _check_finite(total: torch.Tensor, step: int, run: Path) -> None:
    if not torch.isfinite(total):
        raise NotFiniteError(
            f"the loss is {total.item()} at step {step}; {run} keeps the last good checkpoint: "
            "go on from it with --resume and a lower --learning-rate"
        )


def main(argv: list[str] | None = None) -> int:
    """Command line; 0 on success, 2 on bad input."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    settings = parse_args(argv)
    if settings.threads:
        torch.set_num_threads(settings.threads)
    try:
        fit(settings)
    except (ConfigError, StoreError, checkpoint.CheckpointError, NotFiniteError, OSError) as error:
        print(f"training.fit: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("training.fit: stopped; go on with --resume", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
