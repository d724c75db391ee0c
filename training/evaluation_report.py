"""What an evaluation says: figures of groups of clips, as JSON and as a table to read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from training.excerpts import KINDS
from training.measuring import GRIFFIN_LIM, METHODS, METRICS, MODEL, NOISE, VOCODER, ClipFigures
from training.rendition import Heard

STEERED_BY = METRICS[0].name
"""The metric whose closed share counts."""

TITLES = {
    MODEL: "whole model",
    VOCODER: "(a) vocoder on true mels",
    GRIFFIN_LIM: "(b) Griffin-Lim on true mels",
    NOISE: "(c) noise, mean spectrum",
}

IMAGE_TITLES = {
    "model": "whole model",
    "mean_spectrum": "the clip's mean spectrum",
    "without_style": "mean style instead",
    "other_style": "another clip's style",
    "without_structure": "no structure",
}


def group_figures(clips: Sequence[ClipFigures]) -> dict[str, Any]:
    """Means and deviations over the clips, shares closed, and what the image L1 says."""
    sound = {
        method: {
            metric.name: _mean_and_std([clip.sound[method][metric.name] for clip in clips])
            for metric in METRICS
        }
        for method in METHODS
    }
    image = {name: _mean_and_std([clip.image[name] for clip in clips]) for name in IMAGE_TITLES}
    distance = {method: sound[method][STEERED_BY]["mean"] for method in METHODS}
    return {
        "clips": len(clips),
        "sound": sound,
        "share_closed": {
            towards: _share_closed(distance[NOISE], distance[MODEL], distance[towards])
            for towards in (VOCODER, GRIFFIN_LIM)
        },
        "image_l1": image,
        "beats_mean_spectrum": image["model"]["mean"] < image["mean_spectrum"]["mean"],
    }


def all_groups(clips: Sequence[ClipFigures]) -> dict[str, Any]:
    """``group_figures`` of all clips and of each kind that there is."""
    by_kind = {kind: [clip for clip in clips if clip.kind == kind] for kind in KINDS}
    groups = {"all": clips} | {kind: some for kind, some in by_kind.items() if some}
    return {name: group_figures(some) for name, some in groups.items()}


def latent_figures(heard: Sequence[Heard]) -> dict[str, Any]:
    """How many style dimensions say something, over the windows of all excerpts.

    A dimension is active where its posterior means spread wider (standard deviation) than one
    posterior does; ``informed`` counts means with a variance above 0.01, the weaker criterion of
    Burda, Grosse and Salakhutdinov (arXiv 1509.00519, 5.2).
    """
    means = torch.cat([one.styles for one in heard])
    spread = means.std(dim=0, correction=0)
    deviation = torch.cat([one.style_deviations for one in heard]).mean(dim=0)
    return {
        "style_dims": means.shape[1],
        "active": int((spread > deviation).sum()),
        "informed": int((spread.square() > 0.01).sum()),
        "spread": _rounded(spread),
        "posterior_deviation": _rounded(deviation),
    }


def table(report: dict[str, Any]) -> str:
    """The report to read in a terminal; figures in 100 columns."""
    parts = [_heading(report)]
    parts += [_group_table(name, group) for name, group in report["groups"].items()]
    latents = report["latents"]
    parts.append(
        f"style: {latents['active']} of {latents['style_dims']} dimensions active "
        f"(means spread wider than one posterior), {latents['informed']} with a variance over 0.01"
    )
    return "\n\n".join(parts)


def finite_or_none(value: Any) -> Any:
    """The same report as strict JSON has it: what does not exist is null, not NaN."""
    if isinstance(value, dict):
        return {key: finite_or_none(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [finite_or_none(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _heading(report: dict[str, Any]) -> str:
    groups = report["groups"]
    counts = ", ".join(f"{groups[kind]['clips']} {kind}" for kind in KINDS if kind in groups)
    return (
        f"{report['checkpoint']} (preset {report['preset']}) on {report['split']} music: {counts}; "
        f"{report['seconds']:.1f} s a clip\nlevels are compared as they are"
    )


def _group_table(name: str, group: dict[str, Any]) -> str:
    short = {metric.name: _column(metric.name, metric.unit) for metric in METRICS}
    widths = {key: max(len(top), len(below)) for key, (top, below) in short.items()}
    lines = [
        f"{title:<30}" + "  ".join(short[key][row].rjust(widths[key]) for key in short)
        for row, title in enumerate((f"{name} ({group['clips']} clips)", ""))
    ]
    for method, title in TITLES.items():
        cells = (
            f"{group['sound'][method][key]['mean']:.3f}".rjust(width)
            for key, width in widths.items()
        )
        lines.append(f"{title:<30}" + "  ".join(cells))
    shares = group["share_closed"]
    lines.append(
        f"share closed from (c): {_percent(shares[VOCODER])} of the way to (a), "
        f"{_percent(shares[GRIFFIN_LIM])} to (b)"
    )
    lines += _image_lines(group["image_l1"])
    lines.append(f"beats the mean spectrum: {'yes' if group['beats_mean_spectrum'] else 'no'}")
    return "\n".join(lines)


def _image_lines(image: dict[str, dict[str, float]]) -> list[str]:
    said = [f"{title} {image[key]['mean']:.3f}" for key, title in IMAGE_TITLES.items()]
    return ["image L1: " + ", ".join(said[:2]), " " * 10 + ", ".join(said[2:])]


def _column(name: str, unit: str) -> tuple[str, str]:
    return {"log_mel_l1": "log-mel"}.get(name, name.split("_")[0]), unit


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if math.isfinite(share) else "no part"


def _share_closed(farthest: float, mine: float, nearest: float) -> float:
    """(farthest - mine) / (farthest - nearest); NaN where nearest is no nearer than farthest."""
    way = farthest - nearest
    return (farthest - mine) / way if way > 0 else float("nan")


def _mean_and_std(values: list[float]) -> dict[str, float]:
    """Over the clips where the figure exists; ``count`` says how many."""
    there = np.array([value for value in values if math.isfinite(value)])
    if not there.size:
        return {"mean": float("nan"), "std": float("nan"), "count": 0}
    return {"mean": float(there.mean()), "std": float(there.std()), "count": int(there.size)}


def _rounded(values: Tensor) -> list[float]:
    return [round(float(value), 4) for value in values]
