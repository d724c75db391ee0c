"""What an evaluation says: figures of groups of clips, as JSON and as a table to read."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.evaluate.context import statistics
from training.evaluate.measuring import GRIFFIN_LIM, METRICS, MODEL, NOISE, VOCODER, ClipFigures
from training.measures.excerpts import KINDS
from training.measures.model_renderer import EncodedExcerpt

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
            metric.name: statistics([clip.sound[method][metric.name] for clip in clips])
            for metric in METRICS
        }
        for method in clips[0].sound
    }
    distance = {method: sound[method][STEERED_BY]["mean"] for method in sound}
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


def all_groups(clips: Sequence[ClipFigures]) -> dict[str, Any]:
    """``group_figures`` of all clips and of each kind that there is."""
    by_kind = {kind: [clip for clip in clips if clip.kind == kind] for kind in KINDS}
    groups = {"all": clips} | {kind: some for kind, some in by_kind.items() if some}
    return {name: group_figures(some) for name, some in groups.items()}


def latent_figures(heard: Sequence[EncodedExcerpt]) -> dict[str, Any]:
    """How many style dimensions say something, over the windows of all excerpts.

    A dimension is active where its posterior means spread wider (standard deviation) than one
    posterior does, which an old bundle does not tell; ``informed`` counts means of a variance above
    0.01, the weaker criterion of Burda, Grosse and Salakhutdinov (arXiv 1509.00519, 5.2).
    """
    means = np.concatenate([one.styles for one in heard])
    spread = means.std(axis=0)
    there = [one.deviations for one in heard if one.deviations is not None]
    deviation = np.concatenate(there).mean(axis=0) if there else None
    return {
        "style_dims": means.shape[1],
        "active": None if deviation is None else int((spread > deviation).sum()),
        "informed": int((np.square(spread) > 0.01).sum()),
        "spread": _rounded(spread),
        "posterior_deviation": None if deviation is None else _rounded(deviation),
    }


def table(report: dict[str, Any]) -> str:
    """The report to read in a terminal; figures in 100 columns."""
    parts = [_heading(report)]
    parts += [_SECTION_LINES[name](report[name]) for name in _SECTION_LINES if name in report]
    parts += [f"{name} left out: {why}" for name, why in report["left_out"].items()]
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
    return f"{report['checkpoint']} (preset {report['preset']}) on {report['split']} music"


def _reconstruction_lines(section: dict[str, Any]) -> str:
    groups = section["groups"]
    counts = ", ".join(f"{groups[kind]['clips']} {kind}" for kind in KINDS if kind in groups)
    parts = [f"{counts}; {section['seconds']:.1f} s a clip; levels are compared as they are"]
    parts += [_group_table(name, group) for name, group in groups.items()]
    latents = section["latents"]
    active = "" if latents["active"] is None else f"{latents['active']} active (means spread wider "
    active += "than one posterior), " if active else ""
    parts.append(
        f"style: of {latents['style_dims']} dimensions {active}"
        f"{latents['informed']} with a variance over 0.01"
    )
    return "\n\n".join(parts)


def _group_table(name: str, group: dict[str, Any]) -> str:
    short = {metric.name: _column(metric.name, metric.unit) for metric in METRICS}
    widths = {key: max(len(top), len(below)) for key, (top, below) in short.items()}
    lines = [
        f"{title:<30}" + "  ".join(short[key][row].rjust(widths[key]) for key in short)
        for row, title in enumerate((f"{name} ({group['clips']} clips)", ""))
    ]
    for method, figures in group["sound"].items():
        cells = (f"{figures[key]['mean']:.3f}".rjust(width) for key, width in widths.items())
        lines.append(f"{TITLES[method]:<30}" + "  ".join(cells))
    ways = {VOCODER: "(a)", GRIFFIN_LIM: "(b)"}
    shares = (
        f"{percent(share)} of the way to {ways[to]}" for to, share in group["share_closed"].items()
    )
    lines.append(f"share closed from (c): {', '.join(shares)}")
    if group["image_l1"]:
        lines += _image_lines(group["image_l1"])
        lines.append(f"beats the mean spectrum: {'yes' if group['beats_mean_spectrum'] else 'no'}")
    return "\n".join(lines)


def _traverse_lines(section: dict[str, Any]) -> str:
    lines = [
        f"knobs: {section['named']} of {len(section['dimensions'])} have a name "
        f"({section['clips']} clips, axes {section['axes']})",
        "strongest change from -2 to 2 spreads, in deviations, and where its mean lies with 95 %",
    ]
    for knob in section["dimensions"]:
        why = "" if knob["name"] else f"; {knob['why']}"
        low, high = knob["interval"]
        lines.append(
            f"{knob['index']:3} {knob['name'] or '-':14} {knob['strongest']} {knob['effect']:+.2f} "
            f"({low:+.2f} to {high:+.2f}){why}"
        )
    return "\n".join(lines)


def _interpolation_lines(section: dict[str, Any]) -> str:
    columns = ("mel_detour", "mel_largest", "descriptors_detour", "descriptors_largest")
    lines = [f"{'interpolation':<30}" + "  ".join(f"{one:>19}" for one in columns)]
    for way, figures in section["summary"].items():
        cells = "  ".join(f"{figures[one]['mean']:19.3f}" for one in columns)
        lines.append(f"{section['titles'][way]:<30}{cells}")
    return "\n".join(lines)


def _swap_lines(section: dict[str, Any]) -> str:
    columns = ("mfcc_to_b", "mfcc_to_a", "onsets_of_a", "chroma_of_a", "tempo_of_a")
    lines = [f"{'swaps':<30}" + "  ".join(f"{one:>11}" for one in columns)]
    for name, figures in section["summary"].items():
        cells = "  ".join(f"{figures[one]['mean']:11.3f}" for one in columns)
        lines.append(f"{section['titles'][name]:<30}{cells}")
    chord = section["chord"]
    lines.append(
        f"held chord: pitches kept {chord['swapped']['pitches']['mean']:.2f} under a swap, "
        f"{chord['own_style']['pitches']['mean']:.2f} in its own style, "
        f"{chord['b_by_itself']['pitches']['mean']:.2f} by chance"
    )
    return "\n".join(lines)


def _transfer_lines(section: dict[str, Any]) -> str:
    columns = tuple(section["nearer"])
    lines = [f"{'transfer':<30}" + "  ".join(f"{one:>17}" for one in columns)]
    for method, figures in section["summary"].items():
        cells = "  ".join(f"{figures[one]['mean']:17.3f}" for one in columns)
        lines.append(f"{section['titles'][method]:<30}{cells}")
    shares = "  ".join(f"{percent(one['share']):>17}" for one in section["nearer"].values())
    lines.append(f"{'nearer than the best rival':<30}{shares}")
    return "\n".join(lines)


def _time_lines(section: dict[str, Any]) -> str:
    means = {name: figures["mean"] for name, figures in section["summary"].items()}
    return (
        f"time: level moves {means['freeze_drift_db']:+.2f} dB over 10 s of freeze; pass 200 is "
        f"{means['loop_200_to_2']:.4f} from pass 2, pass 3 {means['loop_3_to_2']:.4f}\n"
        f"      log-mel L1 forward {means['forward']:.3f}, slow {means['slow']:.3f}, "
        f"reverse {means['reverse']:.3f}"
    )


_SECTION_LINES: dict[str, Callable[[dict[str, Any]], str]] = {
    "reconstruction": _reconstruction_lines,
    "traverse": _traverse_lines,
    "interpolation": _interpolation_lines,
    "swaps": _swap_lines,
    "transfer": _transfer_lines,
    "time": _time_lines,
}


def _image_lines(image: dict[str, dict[str, float]]) -> list[str]:
    said = [f"{title} {image[key]['mean']:.3f}" for key, title in IMAGE_TITLES.items()]
    return ["image L1: " + ", ".join(said[:2]), " " * 10 + ", ".join(said[2:])]


def _column(name: str, unit: str) -> tuple[str, str]:
    return {"log_mel_l1": "log-mel"}.get(name, name.split("_")[0]), unit


def percent(share: float) -> str:
    """A share as people read it."""
    return f"{100 * share:.0f} %" if math.isfinite(share) else "no part"


def _share_closed(farthest: float, mine: float, nearest: float) -> float:
    """(farthest - mine) / (farthest - nearest); NaN where nearest is no nearer than farthest."""
    way = farthest - nearest
    return (farthest - mine) / way if way > 0 else float("nan")


def _rounded(values: NDArray[np.floating]) -> list[float]:
    return [round(float(value), 4) for value in values]
