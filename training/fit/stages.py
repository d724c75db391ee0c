"""The table of training stages; ``--stage`` and everything else about stages comes from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch.utils.data import Dataset

from model.config import ModelConfig
from model.instrument import Instrument
from training.objectives.adversarial import Adversarial
from training.objectives.autoencoding import Autoencoding
from training.objectives.objective import Objective
from training.objectives.prior_fitting import STRETCH_TICKS, PriorFitting
from training.objectives.structure_tracks import TrackStretches, structure_tracks
from training.objectives.vocoding import Vocoding
from training.store.clip_pairs import ClipPairs
from training.store.store import Store

MakeObjective = Callable[[Instrument, frozenset[str]], Objective]
"""Makes an objective from the model, with earlier parts loaded, and the names of those parts."""


@dataclass(frozen=True)
class BatchRequest:
    """The batches that a stage needs: ``steps`` of them, of ``batch`` clips each.

    Each of several processes makes its own part of every batch.
    """

    store: Store
    run: Path
    batch: int
    steps: int
    seed: int
    process_index: int = 0
    process_count: int = 1


def _clip_pairs(model: Instrument, request: BatchRequest) -> Dataset[Any]:
    """Pairs of audio clips."""
    return ClipPairs(
        request.store,
        model.config.input_samples,
        request.batch // 2,
        request.steps,
        request.seed,
        process_index=request.process_index,
        process_count=request.process_count,
    )


def _stretches(model: Instrument, request: BatchRequest) -> Dataset[Any]:
    """Excerpts of recordings' structure, encoded by the model."""
    tracks = structure_tracks(request.run, request.store, model, "train")
    return TrackStretches(
        tracks,
        STRETCH_TICKS,
        request.batch,
        request.steps,
        request.seed,
        process_index=request.process_index,
        process_count=request.process_count,
    )


MakeBatches = Callable[[Instrument, BatchRequest], Dataset[Any]]
"""Makes batches by number, each reproducible from its number alone."""


@dataclass(frozen=True)
class Stage:
    """One stage and the part of the run that it trains.

    ``needs`` are the parts of earlier stages that it requires, ``uses`` those that it loads if they
    exist. ``adapts`` means that after the encoder has changed, its weights are still a good start.
    ``available`` is true for presets that have the stage.
    """

    number: int
    part: str
    about: str
    objective: MakeObjective
    needs: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    batches: MakeBatches = _clip_pairs
    adapts: bool = False
    available: Callable[[ModelConfig], bool] = lambda config: True

    @property
    def earlier_parts(self) -> tuple[str, ...]:
        """Parts of earlier stages to load, in order."""
        return self.needs + self.uses


def _autoencoding(model: Instrument, parts: frozenset[str]) -> Objective:
    return Autoencoding(model.config, model.encoder, model.decoder)


def _vocoding(model: Instrument, parts: frozenset[str]) -> Objective:
    return Vocoding(model.config, model.vocoder, model if "autoencoder" in parts else None)


def _adversarial(model: Instrument, parts: frozenset[str]) -> Objective:
    return Adversarial(model.config, model)


def _prior_fitting(model: Instrument, parts: frozenset[str]) -> Objective:
    return PriorFitting(model)


STAGES: dict[int, Stage] = {
    stage.number: stage
    for stage in (
        Stage(1, "autoencoder", "encoder and decoder", _autoencoding),
        Stage(2, "vocoder", "vocoder", _vocoding, uses=("autoencoder",)),
        Stage(
            3,
            "adversarial",
            "decoder and vocoder against discriminators",
            _adversarial,
            needs=("autoencoder", "vocoder"),
        ),
        Stage(
            4,
            "prior",
            "prior, for /generate",
            _prior_fitting,
            needs=("autoencoder",),
            batches=_stretches,
            adapts=True,
            available=lambda config: config.has_structure,
        ),
    )
}


def stages_of(config: ModelConfig) -> tuple[int, ...]:
    """The numbers of a preset's stages, in order."""
    return tuple(number for number, stage in STAGES.items() if stage.available(config))
