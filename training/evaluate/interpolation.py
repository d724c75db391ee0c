"""Interpolation: how even and how long is the way between two pieces, against a cross-fade?

Three ways lead from A to B in eleven steps: style and structure together, style alone (structure
stays A's), and a plain cross-fade between the two sounds at the ends of the first way. A way is
measured in log-mel L1 and in descriptors (Euclidean distance in standard deviations). ``detour`` is
its length over the direct distance of its ends, 1 being straight; ``largest`` its largest step as
a share of its length, 0.1 being even.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from export.audio.arrays import Floats
from training.evaluate.context import EvaluationContext, bar, encoded_pairs, short_name, summary
from training.evaluate.text import summary_table
from training.evaluate.traverse import measure_deviations
from training.measures.descriptors import describe
from training.measures.metrics import log_mel_l1
from training.measures.model_renderer import EncodedExcerpt, ModelRenderer
from training.report.comparison_pictures import strip

PLACES = tuple(step / 10 for step in range(11))
BOTH, STYLE, CROSS_FADE = WAYS = ("both", "style", "cross_fade")
PAIRS = 8

WAY_TITLES = {
    BOTH: "style and structure",
    STYLE: "style alone",
    CROSS_FADE: "plain cross-fade",
}


def measure_interpolation(context: EvaluationContext) -> dict[str, Any]:
    """Figures of every way, over pairs of held-out clips."""
    renderer = context.renderer(context.seconds)
    deviations = measure_deviations(context).values
    count = min(PAIRS, max(context.clips // 2, 1))
    pairs = encoded_pairs(context, renderer, count, context.seconds)

    def descriptor_distance(one: Floats, other: Floats) -> float:
        first, second = (describe(x, renderer.sample_rate_hz) / deviations for x in (one, other))
        return float(np.linalg.norm(first - second))

    measures: dict[str, Callable[[Floats, Floats], float]] = {
        "mel": lambda one, other: log_mel_l1(one, other, renderer.features),
        "descriptors": descriptor_distance,
    }
    rows, shown = [], []
    for number, ((first, a), (second, b)) in enumerate(bar(pairs, "interpolating", "pair")):
        ways = play_ways(a, b, renderer)
        row: dict[str, Any] = {"a": short_name(first), "b": short_name(second)}
        row |= {way: _figures(ways[way], measures) for way in WAYS}
        rows.append(row)
        if number < context.shown:
            shown.append(_shown(context, number, row, ways, glide(a, b, renderer)))
    return {
        "pairs": rows,
        "positions": list(PLACES),
        "titles": WAY_TITLES,
        "summary": {way: summary([row[way] for row in rows]) for way in WAYS},
        "shown": shown,
    }


def play_ways(
    a: EncodedExcerpt, b: EncodedExcerpt, renderer: ModelRenderer
) -> dict[str, list[Floats]]:
    """Eleven sounds (T,) of every way."""
    both = [
        renderer.play(_mix(a.style, b.style, t), _mix(a.structure, b.structure, t)) for t in PLACES
    ]
    style = [renderer.play(_mix(a.style, b.style, t), a.structure) for t in PLACES]
    return {
        BOTH: both,
        STYLE: style,
        CROSS_FADE: [_mix(both[0], both[-1], t) for t in PLACES],
    }


def glide(a: EncodedExcerpt, b: EncodedExcerpt, renderer: ModelRenderer) -> Floats:
    """The whole way within one clip, (T,): the position rises while it plays."""
    frames = renderer.layout.stretch_frames
    share = (np.arange(frames) - renderer.layout.lead_frames) / max(renderer.layout.frames - 1, 1)
    share = np.clip(share, 0, 1).astype(np.float32)
    style = _mix(a.style[:, None], b.style[:, None], share)
    from_a, to_b = (renderer.at_frames(one.structure) for one in (a, b))
    return renderer.cut(renderer.sound(style, _mix(from_a, to_b, share)))


def path_figures(
    path: Sequence[Floats], distance: Callable[[Floats, Floats], float]
) -> dict[str, float]:
    """``length``, ``detour`` and ``largest`` of a path of sounds, as above."""
    steps = [distance(one, other) for one, other in pairwise(path)]
    length = sum(steps)
    direct = distance(path[0], path[-1])
    return {
        "length": length,
        "detour": length / direct if direct else float("nan"),
        "largest": max(steps) / length if length else float("nan"),
    }


def interpolation_text(section: dict[str, Any]) -> str:
    """A table of the ways."""
    columns = ("mel_detour", "mel_largest", "descriptors_detour", "descriptors_largest")
    return "\n".join(summary_table("interpolation", section, columns))


def _figures(
    path: Sequence[Floats], measures: dict[str, Callable[[Floats, Floats], float]]
) -> dict[str, float]:
    return {
        f"{name}_{figure}": value
        for name, distance in measures.items()
        for figure, value in path_figures(path, distance).items()
    }


def _shown(
    context: EvaluationContext,
    number: int,
    row: dict[str, Any],
    ways: dict[str, list[Floats]],
    gliding: Floats,
) -> dict[str, Any]:
    name = f"interpolation-{number}"
    pictures = {
        way: strip(dict(zip(map(str, PLACES), ways[way], strict=True)), context.grid.sample_rate_hz)
        for way in WAYS
    }
    a, b = ways[BOTH][0], ways[BOTH][-1]
    sounds = {
        "A": a,
        "half way": ways[BOTH][5],
        "B": b,
        "gliding from A to B": gliding,
        "cross-fading from A to B": _mix(a, b, np.linspace(0, 1, a.size, dtype=np.float32)),
    }
    return {
        "a": row["a"],
        "b": row["b"],
        "pictures": {
            WAY_TITLES[way]: context.media.picture(f"{name}-{way}", picture)
            for way, picture in pictures.items()
        },
        "sounds": {
            title: context.media.sound(f"{name}-{title}", sound) for title, sound in sounds.items()
        },
    }


def _mix(a: Any, b: Any, share: Any) -> Any:
    """From a (share 0) to b (share 1), linearly, as the server mixes decks."""
    return (a * (1 - share) + b * share).astype(np.float32)
