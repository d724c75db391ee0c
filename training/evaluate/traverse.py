"""Max it out to understand what it does: every style dimension from -3 to 3 spreads, and named.

For a run the axes are those that were taught (``training.objectives.taught_knobs``) and the
principal axes of what is left, each turned so that + is more of what changes most, and sorted by
how much that is. What a bundle has stays as it is. The traverse is on held-out clips either way,
and it alone decides on names: what was taught need not have been learned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from export.bundle.format import StyleStatistics
from training.evaluate.context import EvaluationContext, SectionError, bar, short_name
from training.evaluate.naming import POSITIONS, MeasuredKnob, effects_of, name_knobs
from training.measures.descriptors import DESCRIPTORS, Numbers, describe
from training.measures.excerpts import Excerpt, draw_excerpts
from training.measures.metrics import Samples
from training.measures.model_renderer import EncodedExcerpt, ModelRenderer
from training.report.comparison_pictures import strip
from training.store.index import SPLITS

SECONDS = 4.0
SCALE_CLIPS = 96
"""Excerpts whose descriptors' standard deviations are the unit of every effect."""

NAMES = tuple(one.name for one in DESCRIPTORS)
SCALE_SPLIT = SPLITS[0]


@dataclass(frozen=True)
class Deviations:
    """Standard deviation of each descriptor over the data, (Q,), and what it was measured on."""

    values: Numbers
    split: str
    clips: int


def knobs_section(study: EvaluationContext) -> dict[str, Any]:
    """What each knob does, and the style space that they turn.

    Raises:
        SectionError: a run without a style space.
    """
    if study.latents is None:
        raise SectionError(
            "the run holds no style space, so its knobs have no unit; train stage 1 a while longer"
        )
    by = study.rendition(SECONDS)
    deviations = measure_deviations(study)
    latents = study.latents
    excerpts = study.excerpts(study.clips, SECONDS)
    heard = [by.listen(one) for one in excerpts]
    traverses = play_traverses(latents, heard, by) / deviations.values
    if not study.fixed_knobs:
        latents, traverses = sorted_by_effect(latents, traverses)
    knobs = name_knobs(traverses, NAMES)
    return {
        "clips": len(excerpts),
        "seconds": by.layout.frames / by.grid.frames_per_second,
        "positions": list(POSITIONS),
        "axes": "the bundle's own" if study.fixed_knobs else "taught, then principal",
        "descriptors": _descriptor_rows(deviations),
        "deviations_of": {"split": deviations.split, "clips": deviations.clips},
        "named": sum(knob.name is not None for knob in knobs),
        "dimensions": [knob.to_dict() for knob in knobs],
        "style_space": {name: value.tolist() for name, value in vars(latents).items()},
        "shown": _shown(study, by, latents, knobs, excerpts, heard),
    }


def measure_deviations(study: EvaluationContext) -> Deviations:
    """Over excerpts of the training music, of the measured split where there is none."""
    split = SCALE_SPLIT if study.store.split(SCALE_SPLIT) else study.split
    clips = draw_excerpts(study.store, study.grid, split, SCALE_CLIPS, SECONDS, study.seed + 1)
    rate_hz = study.grid.sample_rate_hz
    rows = [describe(one.truth, rate_hz) for one in bar(clips, "describing the data")]
    found = np.std(rows, axis=0)
    # What never differs is no unit: then nothing is much of it.
    return Deviations(np.where(found > 1e-6, found, np.inf), split, len(rows))


def play_traverses(
    latents: StyleStatistics, heard: Sequence[EncodedExcerpt], by: ModelRenderer
) -> Numbers:
    """Descriptors of every knob at every position, (D, clips, positions, Q)."""
    dims = len(latents.spread)
    found = np.empty((dims, len(heard), len(POSITIONS), len(NAMES)))
    for clip, one in enumerate(bar(heard, "turning every knob")):
        middle = describe(by.play(one.style, one.structure), by.sample_rate_hz)
        for dimension in range(dims):
            for place, position in enumerate(POSITIONS):
                found[dimension, clip, place] = (
                    describe(turned_sound(latents, dimension, position, one, by), by.sample_rate_hz)
                    if position
                    else middle
                )
    return found


def turned_sound(
    latents: StyleStatistics,
    dimension: int,
    position: float,
    heard: EncodedExcerpt,
    by: ModelRenderer,
) -> Samples:
    """A clip with one knob turned, (T,), as the server's engine moves style."""
    offset = latents.rotation[dimension] * (latents.spread[dimension] * position)
    return by.play((heard.style + offset).astype(np.float32), heard.structure)


def sorted_by_effect(
    latents: StyleStatistics, traverses: Numbers
) -> tuple[StyleStatistics, Numbers]:
    """Strongest first, each turned so that + is more of what changes most."""
    effects = effects_of(traverses)
    strongest = np.abs(effects).argmax(axis=1)
    of_each = effects[np.arange(len(effects)), strongest]
    order = np.argsort(-np.abs(of_each))
    signs = np.where(of_each < 0, -1.0, 1.0)
    mirrored = np.where((signs < 0)[:, None, None, None], traverses[:, :, ::-1], traverses)
    return turned(latents, order, signs), mirrored[order]


def turned(latents: StyleStatistics, order: NDArray[np.int64], signs: Numbers) -> StyleStatistics:
    """The axes in another order, each by its sign."""
    return StyleStatistics(
        mean=latents.mean,
        rotation=(latents.rotation[order] * signs[order, None]).astype(np.float32),
        spread=latents.spread[order],
    )


def _descriptor_rows(deviations: Deviations) -> list[dict[str, Any]]:
    return [
        {"name": one.name, "unit": one.unit, "meaning": one.meaning, "deviation": float(value)}
        for one, value in zip(DESCRIPTORS, deviations.values, strict=True)
    ]


def _shown(
    study: EvaluationContext,
    by: ModelRenderer,
    latents: StyleStatistics,
    knobs: Sequence[MeasuredKnob],
    excerpts: Sequence[Excerpt],
    heard: Sequence[EncodedExcerpt],
) -> list[dict[str, Any]]:
    """Named knobs, and the strongest others up to ``study.shown``, on one clip each."""
    chosen = sorted(knobs, key=lambda knob: (knob.name is None, -abs(knob.effect)))
    named = sum(knob.name is not None for knob in knobs)
    return [
        _traverse_shown(study, by, latents, knob, excerpts[place], heard[place])
        for number, knob in enumerate(chosen[: max(named, study.shown)])
        for place in [number % len(excerpts)]
    ]


def _traverse_shown(
    study: EvaluationContext,
    by: ModelRenderer,
    latents: StyleStatistics,
    knob: MeasuredKnob,
    excerpt: Excerpt,
    heard: EncodedExcerpt,
) -> dict[str, Any]:
    sounds = {
        f"{position:+g}" if position else "0": turned_sound(
            latents, knob.index, position, heard, by
        )
        for position in POSITIONS
    }
    title = f"knob-{knob.index:02d}"
    heard_at = {label: sounds[label] for label in ("-3", "0", "+3")}
    return {
        "dimension": knob.index,
        "clip": short_name(excerpt),
        "picture": study.album.picture(title, strip(sounds, study.grid.sample_rate_hz)),
        "sounds": {
            label: study.album.sound(f"{title}-{place}", one)
            for place, (label, one) in enumerate(heard_at.items())
        },
    }
