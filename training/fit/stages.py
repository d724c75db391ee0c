"""The stages of training, a row each; ``--stage`` and all that follows is read from here."""

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
"""From the model, its earlier parts loaded, and the names of those that there are."""


@dataclass(frozen=True)
class BatchRequest:
    """What a stage's batches are made from: ``batch`` clips each, ``steps`` of them.

    Several processes make each its own part of them.
    """

    store: Store
    run: Path
    batch: int
    steps: int
    seed: int
    process_index: int = 0
    process_count: int = 1


def _clip_pairs(model: Instrument, supply: BatchRequest) -> Dataset[Any]:
    """Clips of audio in pairs."""
    return ClipPairs(
        supply.store,
        model.config.input_samples,
        supply.batch // 2,
        supply.steps,
        supply.seed,
        process_index=supply.process_index,
        process_count=supply.process_count,
    )


def _stretches(model: Instrument, supply: BatchRequest) -> Dataset[Any]:
    """Structure of whole recordings, as the model's encoder hears it."""
    tracks = structure_tracks(supply.run, supply.store, model, "train")
    return TrackStretches(
        tracks,
        STRETCH_TICKS,
        supply.batch,
        supply.steps,
        supply.seed,
        process_index=supply.process_index,
        process_count=supply.process_count,
    )


MakeBatches = Callable[[Instrument, BatchRequest], Dataset[Any]]
"""Batches by number, each reproducible from its number alone."""


@dataclass(frozen=True)
class Stage:
    """One stage: its part of the run, the parts it cannot do without, those it gladly hears.

    ``adapts``: once the encoder has changed, its weights are still a good beginning.
    """

    number: int
    part: str
    about: str
    objective: MakeObjective
    needs: tuple[str, ...] = ()
    hears: tuple[str, ...] = ()
    batches: MakeBatches = _clip_pairs
    adapts: bool = False
    serves: Callable[[ModelConfig], bool] = lambda config: True

    @property
    def earlier_parts(self) -> tuple[str, ...]:
        """Parts of earlier stages to load where they are, in their order."""
        return self.needs + self.hears


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
        Stage(1, "autoencoder", "mels", _autoencoding),
        Stage(2, "vocoder", "sound", _vocoding, hears=("autoencoder",)),
        Stage(3, "adversarial", "both, judged", _adversarial, needs=("autoencoder", "vocoder")),
        Stage(
            4,
            "prior",
            "playing on",
            _prior_fitting,
            needs=("autoencoder",),
            batches=_stretches,
            adapts=True,
            serves=lambda config: config.has_structure,
        ),
    )
}


def stages_of(config: ModelConfig) -> tuple[int, ...]:
    """Every stage that a preset has, in order."""
    return tuple(number for number, stage in STAGES.items() if stage.serves(config))
