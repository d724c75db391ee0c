"""Figures of reconstruction over groups of clips."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.evaluate.context import statistics
from training.evaluate.measuring import GRIFFIN_LIM, METRICS, MODEL, NOISE, VOCODER, ClipFigures
from training.measures.excerpts import KINDS
from training.measures.model_renderer import EncodedExcerpt

MAIN_METRIC = METRICS[0].name
"""The metric that shares closed are computed of, and that ranks clips."""


def all_groups(clips: Sequence[ClipFigures]) -> dict[str, Any]:
    """``group_figures`` of all clips, and of the clips of each kind."""
    by_kind = {kind: [clip for clip in clips if clip.kind == kind] for kind in KINDS}
    groups = {"all": clips} | {kind: some for kind, some in by_kind.items() if some}
    return {name: group_figures(some) for name, some in groups.items()}


def group_figures(clips: Sequence[ClipFigures]) -> dict[str, Any]:
    """Statistics over the clips of every metric by method, shares closed, and image errors."""
    sound = {
        method: {
            metric.name: statistics([clip.sound[method][metric.name] for clip in clips])
            for metric in METRICS
        }
        for method in clips[0].sound
    }
    distance = {method: sound[method][MAIN_METRIC]["mean"] for method in sound}
    image = {name: statistics([clip.image[name] for clip in clips]) for name in clips[0].image}
    return {
        "clips": len(clips),
        "sound": sound,
        "share_closed": {
            towards: _share_closed(distance[NOISE], distance[MODEL], distance[towards])
            for towards in (VOCODER, GRIFFIN_LIM)
            if towards in distance
        },
        "image_l1": image,
        "beats_mean_spectrum": (
            image["model"]["mean"] < image["mean_spectrum"]["mean"] if image else None
        ),
    }


def latent_figures(encoded: Sequence[EncodedExcerpt]) -> dict[str, Any]:
    """The number of style dimensions that carry information, over the windows of all excerpts.

    A dimension is ``active`` where its posterior means spread wider (standard deviation) than one
    posterior does; bundles without style variances do not say. ``informed`` counts means with a
    variance above 0.01, the weaker criterion of Burda, Grosse and Salakhutdinov (arXiv 1509.00519,
    5.2).
    """
    means = np.concatenate([one.styles for one in encoded])
    spread = means.std(axis=0)
    known = [one.deviations for one in encoded if one.deviations is not None]
    deviation = np.concatenate(known).mean(axis=0) if known else None
    return {
        "style_dims": means.shape[1],
        "active": None if deviation is None else int((spread > deviation).sum()),
        "informed": int((np.square(spread) > 0.01).sum()),
        "spread": _rounded(spread),
        "posterior_deviation": None if deviation is None else _rounded(deviation),
    }


def _share_closed(farthest: float, model: float, nearest: float) -> float:
    """(farthest - model) / (farthest - nearest); NaN unless nearest < farthest."""
    way = farthest - nearest
    return (farthest - model) / way if way > 0 else float("nan")


def _rounded(values: NDArray[np.floating]) -> list[float]:
    return [round(float(value), 4) for value in values]
