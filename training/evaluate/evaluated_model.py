"""The model that is measured: a run or a bundle."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from export.bundle.format import StyleStatistics
from export.style_axes import style_space, weights_digest
from model.checkpoint import CheckpointError, load_instrument, load_style_space
from training.measures.bundle_voice import open_bundle_voice
from training.measures.voice import TorchVoice, Voice


@dataclass(frozen=True)
class EvaluatedModel:
    """A run or a bundle, ready to play.

    ``latents`` are the style axes that the knobs turn, None for a run without a style space.
    ``trained`` is the progress of each training stage, ``weights`` the digest of a run's
    checkpoints, None for a bundle.
    """

    voice: Voice
    latents: StyleStatistics | None
    trained: dict[str, Any]
    weights: str | None

    @property
    def images(self) -> TorchVoice | None:
        """The voice if it is a run's, which can decode to images; None for a bundle."""
        return self.voice if isinstance(self.voice, TorchVoice) else None

    @property
    def fixed_knobs(self) -> bool:
        """True for a bundle, which has its knobs already."""
        return self.images is None


def open_evaluated_model(path: Path, threads: int | None) -> EvaluatedModel:
    """Load the run in a folder or the bundle in a file.

    Raises:
        BundleError, CheckpointError, RuntimeUnavailable: no model there, or a damaged one.
    """
    return _open_bundle(path, threads or 1) if path.is_file() else _open_run(path)


def _open_bundle(path: Path, threads: int) -> EvaluatedModel:
    voice = open_bundle_voice(path, threads)
    trained = dict(voice.bundle.manifest.training)
    return EvaluatedModel(voice, voice.bundle.latents, trained, weights=None)


def _open_run(run: Path) -> EvaluatedModel:
    model, progress = load_instrument(run)
    try:
        space = load_style_space(run)
        latents = style_space(space["mean"], space["covariance"])
    except CheckpointError:  # the model still plays; only its knobs cannot be measured
        latents = None
    return EvaluatedModel(TorchVoice(model), latents, progress, weights_digest(run))
