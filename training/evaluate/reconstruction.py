"""How near the model comes to music it has not heard, beside what it must be compared with.

Held-out excerpts go through the whole model as a performer hears it - encoded in overlapping
windows, decoded as one stream from memory with the style mean, latency taken out - and are held
against the original. Levels are not matched first: the model is to get them right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from training.evaluate.context import EvaluationContext, bar, short_name
from training.evaluate.figures import STEERED_BY, TITLES, all_groups, latent_figures
from training.evaluate.measuring import (
    METRICS,
    MODEL,
    ClipFigures,
    image_figures,
    sound_figures,
    sounds,
)
from training.measures.excerpts import Excerpt
from training.measures.metrics import Samples
from training.measures.model_renderer import ModelRenderer
from training.report.comparison_pictures import loudest_db, spectrogram


def reconstruction_section(study: EvaluationContext) -> dict[str, Any]:
    """Figures of all clips, of each kind, and of every clip; the best and worst to listen to."""
    by = study.rendition(study.seconds)
    excerpts = study.excerpts(study.clips, study.seconds)
    heard = [by.listen(excerpt) for excerpt in bar(excerpts, "listening")]
    styles = np.stack([one.style for one in heard])
    mean_style = styles.mean(axis=0)
    clips, made = [], []
    for index, excerpt in enumerate(bar(excerpts, "measuring")):
        by_method = sounds(heard[index], excerpt, by, study.images)
        others = {"without_style": mean_style, "other_style": styles[(index + 1) % len(styles)]}
        clips.append(
            ClipFigures(
                excerpt.recording,
                excerpt.kind,
                excerpt.start_s,
                sound_figures(excerpt, by_method, by),
                image_figures(excerpt, heard[index], others, by, study.images),
            )
        )
        made.append(by_method)
    return {
        "seconds": by.layout.frames / by.grid.frames_per_second,
        "metrics": {one.name: {"unit": one.unit, "better": one.better} for one in METRICS},
        "methods": {method: TITLES[method] for method in made[0]},
        "groups": all_groups(clips),
        "latents": latent_figures(heard),
        "clips": [asdict(clip) for clip in clips],
        "shown": [
            _shown(study, by, f"clip-{rank}", place, excerpts[index], made[index])
            for rank, (place, index) in enumerate(best_and_worst(clips, study.shown))
        ],
    }


def best_and_worst(clips: Sequence[ClipFigures], count: int) -> list[tuple[str, int]]:
    """Up to ``count`` clips by the metric that counts: half the nearest, half the farthest."""
    order = sorted(range(len(clips)), key=lambda n: clips[n].sound[MODEL][STEERED_BY])
    count = min(count, len(order))
    worst = count // 2
    best = count - worst
    nearest, farthest = order[:best], order[len(order) - worst :]
    return [("best", index) for index in nearest] + [("worst", index) for index in farthest]


def _shown(
    study: EvaluationContext,
    by: ModelRenderer,
    title: str,
    place: str,
    excerpt: Excerpt,
    made: dict[str, Samples],
) -> dict[str, Any]:
    named = {"the original": excerpt.truth}
    named |= {TITLES[method]: one for method, one in made.items()}
    top_db = loudest_db(excerpt.truth, by.sample_rate_hz)
    return {
        "place": place,
        "clip": short_name(excerpt),
        "kind": excerpt.kind,
        "panels": [
            {
                "title": label,
                "picture": study.album.picture(
                    f"{title}-{number}", spectrogram(one, by.sample_rate_hz, top_db)
                ),
                "sound": study.album.sound(f"{title}-{number}", one),
            }
            for number, (label, one) in enumerate(named.items())
        ],
    }
