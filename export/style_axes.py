"""The axes of a style space: the directions that a bundle's knobs move along, in order."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor, cat, eye, linalg

from export.bundle.format import Dimension, StyleStatistics
from model.checkpoint import PARTS, has_part, load_style_space
from model.config import TAUGHT_KNOBS


def knobs_of(run: Path, report: Mapping[str, Any]) -> tuple[StyleStatistics, tuple[Dimension, ...]]:
    """Axes and names of a run's knobs as measured; without a report they have numbers only.

    Raises:
        CheckpointError: the run has no style statistics.
        NamesError: the report is of other weights, or damaged.
    """
    space = load_style_space(run)
    latents = style_space(space["mean"], space["covariance"])
    numbered = tuple(Dimension(index) for index in range(len(latents.spread)))
    return (measured_knobs(report, run) if report else None) or (latents, numbered)


def style_space(mean: Tensor, covariance: Tensor) -> StyleStatistics:
    """The taught axes in order, then the principal axes of the other dimensions, widest first.

    An eigenvector's sign is arbitrary; each is flipped so that its largest entry is positive.
    """
    taught = min(len(TAUGHT_KNOBS), len(mean))
    variance, inside = linalg.eigh(covariance.double()[taught:, taught:])
    order = variance.argsort(descending=True)
    own = eye(len(mean), dtype=variance.dtype)
    rows = cat([own[:taught], inside.T[order] @ own[taught:]]).numpy()
    largest = rows[np.arange(len(rows)), np.abs(rows).argmax(axis=1)]
    every = cat([covariance.double().diagonal()[:taught], variance[order]])
    return StyleStatistics(
        mean=mean.numpy().astype(np.float32),
        rotation=(rows * np.sign(largest)[:, None]).astype(np.float32),
        spread=every.clamp(min=0).sqrt().numpy().astype(np.float32),
    )


class NamesError(ValueError):
    """A report that does not belong to this run, or whose knobs cannot be read."""


def weights_digest(run: Path) -> str:
    """Identify the weights of a run: sha256 over all its parts."""
    digest = hashlib.sha256()
    for part in PARTS:
        if has_part(run, part):
            digest.update((run / f"{part}.safetensors").read_bytes())
    return digest.hexdigest()


def measured_knobs(
    report: Mapping[str, Any], run: Path
) -> tuple[StyleStatistics, tuple[Dimension, ...]] | None:
    """Read axes and names from a report of ``training.evaluate``; None if it has none.

    Raises:
        NamesError: the report is of other weights, or damaged.
    """
    _check_weights(report, run)
    traverse = report.get("traverse")
    if traverse is None:
        return None
    try:
        space = {
            name: np.array(traverse["style_space"][name], np.float32)
            for name in ("mean", "rotation", "spread")
        }
        return StyleStatistics(**space), tuple(_dimension(knob) for knob in traverse["dimensions"])
    except (KeyError, TypeError, ValueError) as error:
        raise NamesError(f"the report's knobs are damaged ({error}); evaluate again") from error


def _check_weights(report: Mapping[str, Any], run: Path) -> None:
    """Refuse a report of other weights: its figures would be wrong for this run."""
    if report.get("weights") is None:
        raise NamesError(
            "the report does not say which weights it was measured on, as reports of bundles; "
            f"run python -m training.evaluate {run} and give its report.json"
        )
    if report["weights"] != weights_digest(run):
        raise NamesError(
            f"the report was measured on other weights than {run} has now; "
            "run python -m training.evaluate again"
        )


def _dimension(knob: Mapping[str, Any]) -> Dimension:
    low, high = knob["range"]
    return Dimension(knob["index"], knob["name"], knob["effect"], (low, high))
