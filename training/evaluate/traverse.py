"""Knobs: every style dimension is turned from -3 to 3 spreads, and named after its effect.

The axes of a run are the taught ones (``training.objectives.taught_knobs``) and the principal axes
of the rest, each oriented so that + increases the descriptor that changes most, and sorted by that
change. The axes of a bundle stay as they are. Names come from this traverse of held-out clips
alone: a knob that was taught may not have been learned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from export.audio.arrays import Floats
from export.bundle.format import StyleStatistics
from training.evaluate.context import EvaluationContext, SectionError, bar, short_name
from training.evaluate.naming import POSITIONS, MeasuredKnob, effects_of, name_knobs
from training.measures.descriptors import DESCRIPTORS, Numbers, describe
from training.measures.excerpts import Excerpt, draw_excerpts
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
    """Standard deviation of each descriptor, (Q,), over ``clips`` excerpts of a split."""

    values: Numbers
    split: str
    clips: int


def measure_knobs(context: EvaluationContext) -> dict[str, Any]:
    """The effects and name of each knob, and the style space of the knobs.

    Raises:
        SectionError: a run without a style space.
    """
    latents, fixed = context.model.latents, context.model.fixed_knobs
    if latents is None:
        raise SectionError(
            "the run holds no style space, so its knobs have no unit; train stage 1 longer"
        )
    renderer = context.renderer(SECONDS)
    deviations = measure_deviations(context)
    excerpts = context.excerpts(context.clips, SECONDS)
    encoded = [renderer.encode(one) for one in excerpts]
    traverses = play_traverses(latents, encoded, renderer) / deviations.values
    if not fixed:
        latents, traverses = sorted_by_effect(latents, traverses)
    knobs = name_knobs(traverses, NAMES)
    return {
        "clips": len(excerpts),
        "seconds": renderer.layout.frames / renderer.grid.frames_per_second,
        "positions": list(POSITIONS),
        "axes": "the bundle's own" if fixed else "taught, then principal",
        "descriptors": _descriptor_rows(deviations),
        "deviations_of": {"split": deviations.split, "clips": deviations.clips},
        "named": sum(knob.name is not None for knob in knobs),
        "dimensions": [knob.to_dict() for knob in knobs],
        "style_space": {name: value.tolist() for name, value in vars(latents).items()},
        "shown": _shown(context, renderer, latents, knobs, excerpts, encoded),
    }


def measure_deviations(context: EvaluationContext) -> Deviations:
    """Measure the training music, or the measured split where the store has no training music."""
    split = SCALE_SPLIT if context.store.split(SCALE_SPLIT) else context.split
    clips = draw_excerpts(
        context.store, context.grid, split, SCALE_CLIPS, SECONDS, context.seed + 1
    )
    rate_hz = context.grid.sample_rate_hz
    rows = [describe(one.truth, rate_hz) for one in bar(clips, "describing the data")]
    found = np.std(rows, axis=0)
    # A descriptor that never differs is no unit: infinity makes every effect on it 0.
    return Deviations(np.where(found > 1e-6, found, np.inf), split, len(rows))


def play_traverses(
    latents: StyleStatistics, encoded: Sequence[EncodedExcerpt], renderer: ModelRenderer
) -> Numbers:
    """Descriptors of every clip with every knob at every position, (D, clips, positions, Q)."""
    dims = len(latents.spread)
    found = np.empty((dims, len(encoded), len(POSITIONS), len(NAMES)))
    for clip, one in enumerate(bar(encoded, "turning every knob")):
        middle = describe(renderer.play(one.style, one.structure), renderer.sample_rate_hz)
        for dimension in range(dims):
            for place, position in enumerate(POSITIONS):
                found[dimension, clip, place] = (
                    describe(
                        turned_sound(latents, dimension, position, one, renderer),
                        renderer.sample_rate_hz,
                    )
                    if position
                    else middle
                )
    return found


def turned_sound(
    latents: StyleStatistics,
    dimension: int,
    position: float,
    encoded: EncodedExcerpt,
    renderer: ModelRenderer,
) -> Floats:
    """A clip with one knob turned, (T,), by the server's rule for style offsets."""
    offset = latents.rotation[dimension] * (latents.spread[dimension] * position)
    return renderer.play((encoded.style + offset).astype(np.float32), encoded.structure)


def sorted_by_effect(
    latents: StyleStatistics, traverses: Numbers
) -> tuple[StyleStatistics, Numbers]:
    """The axes, strongest first, each oriented so that + increases what changes most."""
    effects = effects_of(traverses)
    strongest = np.abs(effects).argmax(axis=1)
    of_each = effects[np.arange(len(effects)), strongest]
    order = np.argsort(-np.abs(of_each))
    signs = np.where(of_each < 0, -1.0, 1.0)
    mirrored = np.where((signs < 0)[:, None, None, None], traverses[:, :, ::-1], traverses)
    return turned(latents, order, signs), mirrored[order]


def turned(latents: StyleStatistics, order: NDArray[np.int64], signs: Numbers) -> StyleStatistics:
    """The axes in another order, each multiplied by its sign."""
    return StyleStatistics(
        mean=latents.mean,
        rotation=(latents.rotation[order] * signs[order, None]).astype(np.float32),
        spread=latents.spread[order],
    )


def knobs_text(section: dict[str, Any]) -> str:
    """A line for each knob: name, strongest effect and its interval."""
    lines = [
        f"knobs: {section['named']} of {len(section['dimensions'])} have a name "
        f"({section['clips']} clips, axes {section['axes']})",
        "strongest change from -2 to 2 spreads, in deviations, and the 95 % interval of its mean",
    ]
    for knob in section["dimensions"]:
        why = "" if knob["name"] else f"; {knob['why']}"
        low, high = knob["interval"]
        lines.append(
            f"{knob['index']:3} {knob['name'] or '-':14} {knob['strongest']} {knob['effect']:+.2f} "
            f"({low:+.2f} to {high:+.2f}){why}"
        )
    return "\n".join(lines)


def _descriptor_rows(deviations: Deviations) -> list[dict[str, Any]]:
    return [
        {"name": one.name, "unit": one.unit, "meaning": one.meaning, "deviation": float(value)}
        for one, value in zip(DESCRIPTORS, deviations.values, strict=True)
    ]


def _shown(
    context: EvaluationContext,
    renderer: ModelRenderer,
    latents: StyleStatistics,
    knobs: Sequence[MeasuredKnob],
    excerpts: Sequence[Excerpt],
    encoded: Sequence[EncodedExcerpt],
) -> list[dict[str, Any]]:
    """All named knobs, and the strongest others up to ``context.shown``, on one clip each."""
    chosen = sorted(knobs, key=lambda knob: (knob.name is None, -abs(knob.effect)))
    named = sum(knob.name is not None for knob in knobs)
    rows = []
    for number, knob in enumerate(chosen[: max(named, context.shown)]):
        clip = number % len(excerpts)
        sounds = {
            f"{position:+g}" if position else "0": turned_sound(
                latents, knob.index, position, encoded[clip], renderer
            )
            for position in POSITIONS
        }
        name = f"knob-{knob.index:02d}"
        rows.append(
            {
                "dimension": knob.index,
                "clip": short_name(excerpts[clip]),
                "picture": context.media.picture(name, strip(sounds, context.grid.sample_rate_hz)),
                "sounds": {
                    position: context.media.sound(f"{name}-{place}", sounds[position])
                    for place, position in enumerate(("-3", "0", "+3"))
                },
            }
        )
    return rows
