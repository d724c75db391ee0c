"""Reconstruction: how close the model's sound is to music that it was not trained on.

Held-out excerpts go through the whole model as a performer hears it (encoded in overlapping
windows, decoded as one stream with the style mean, latency removed) and are compared with the
original, beside reference methods. Levels are not matched first: the model has to get them right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from export.audio.arrays import Floats
from training.evaluate.context import EvaluationContext, bar, short_name
from training.evaluate.figures import MAIN_METRIC, all_groups, latent_figures
from training.evaluate.measuring import (
    GRIFFIN_LIM,
    METRICS,
    MODEL,
    NOISE,
    VOCODER,
    ClipFigures,
    image_figures,
    sound_figures,
    sounds,
)
from training.evaluate.text import TITLE_WIDTH, percent
from training.measures.excerpts import KINDS, Excerpt

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


def measure_reconstruction(context: EvaluationContext) -> dict[str, Any]:
    """Figures of all clips, of each kind and of every clip; the best and the worst to hear."""
    renderer = context.renderer(context.seconds)
    excerpts = context.excerpts(context.clips, context.seconds)
    encoded = [renderer.encode(excerpt) for excerpt in bar(excerpts, "encoding")]
    styles = np.stack([one.style for one in encoded])
    mean_style = styles.mean(axis=0)
    images = context.model.images
    clips, made = [], []
    for index, excerpt in enumerate(bar(excerpts, "measuring")):
        by_method = sounds(encoded[index], excerpt, renderer, images)
        others = {"without_style": mean_style, "other_style": styles[(index + 1) % len(styles)]}
        clips.append(
            ClipFigures(
                excerpt.recording,
                excerpt.kind,
                excerpt.start_s,
                sound_figures(excerpt, by_method, renderer),
                image_figures(excerpt, encoded[index], others, renderer, images),
            )
        )
        made.append(by_method)
    return {
        "seconds": renderer.layout.frames / renderer.grid.frames_per_second,
        "metrics": {one.name: {"unit": one.unit, "better": one.better} for one in METRICS},
        "methods": {method: TITLES[method] for method in made[0]},
        "groups": all_groups(clips),
        "latents": latent_figures(encoded),
        "clips": [asdict(clip) for clip in clips],
        "shown": [
            _shown(context, f"clip-{rank}", place, excerpts[index], made[index])
            for rank, (place, index) in enumerate(best_and_worst(clips, context.shown))
        ],
    }


def best_and_worst(clips: Sequence[ClipFigures], count: int) -> list[tuple[str, int]]:
    """Up to ``count`` clips by the main metric: half the nearest, half the farthest."""
    order = sorted(range(len(clips)), key=lambda n: clips[n].sound[MODEL][MAIN_METRIC])
    count = min(count, len(order))
    worst = count // 2
    best = count - worst
    nearest, farthest = order[:best], order[len(order) - worst :]
    return [("best", index) for index in nearest] + [("worst", index) for index in farthest]


def _shown(
    context: EvaluationContext,
    name: str,
    place: str,
    excerpt: Excerpt,
    by_method: dict[str, Floats],
) -> dict[str, Any]:
    sounds_shown = {"the original": excerpt.truth}
    sounds_shown |= {TITLES[method]: sound for method, sound in by_method.items()}
    return {
        "place": place,
        "clip": short_name(excerpt),
        "kind": excerpt.kind,
        "panels": context.panels(name, sounds_shown, loudest=excerpt.truth),
    }


def reconstruction_text(section: dict[str, Any]) -> str:
    """A table of each group of clips, and the style dimensions in use."""
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
    headings = {metric.name: (_short_name(metric.name), metric.unit) for metric in METRICS}
    widths = {metric: max(map(len, rows)) for metric, rows in headings.items()}
    lines = [
        f"{title:<{TITLE_WIDTH}}"
        + "  ".join(headings[metric][row].rjust(width) for metric, width in widths.items())
        for row, title in enumerate((f"{name} ({group['clips']} clips)", ""))
    ]
    for method, figures in group["sound"].items():
        cells = (f"{figures[metric]['mean']:.3f}".rjust(width) for metric, width in widths.items())
        lines.append(f"{TITLES[method]:<{TITLE_WIDTH}}" + "  ".join(cells))
    ways = {VOCODER: "(a)", GRIFFIN_LIM: "(b)"}
    shares = (
        f"{percent(share)} of the way to {ways[to]}" for to, share in group["share_closed"].items()
    )
    lines.append(f"share closed from (c): {', '.join(shares)}")
    if group["image_l1"]:
        lines += _image_lines(group["image_l1"])
        lines.append(f"beats the mean spectrum: {'yes' if group['beats_mean_spectrum'] else 'no'}")
    return "\n".join(lines)


def _image_lines(image: dict[str, dict[str, float]]) -> list[str]:
    errors = [f"{title} {image[key]['mean']:.3f}" for key, title in IMAGE_TITLES.items()]
    return ["image L1: " + ", ".join(errors[:2]), " " * 10 + ", ".join(errors[2:])]


def _short_name(metric: str) -> str:
    return {"log_mel_l1": "log-mel"}.get(metric, metric.split("_")[0])
