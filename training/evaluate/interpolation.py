"""Between two pieces in eleven steps: how even is the way, and how long, against a cross-fade?

Three ways lead from A to B: style and structure together, style alone (structure stays A's), and a
plain cross-fade of the two sounds that the first way ends in. A way is measured in log-mel L1 and
in descriptors (Euclidean distance in standard deviations). ``detour`` is its length over the
direct distance of its ends, 1 being straight; ``largest`` its largest step as a share of its
length, 0.1 being even.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from training.evaluate.context import EvaluationContext, bar, pairs_heard, short_name, summary
from training.evaluate.traverse import measure_deviations
from training.measures.descriptors import describe
from training.measures.metrics import Samples, log_mel_l1
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


def interpolation_section(study: EvaluationContext) -> dict[str, Any]:
    """Figures of every way, over pairs of held-out clips."""
    by = study.rendition(study.seconds)
    deviations = measure_deviations(study).values
    pairs = pairs_heard(study, by, min(PAIRS, max(study.clips // 2, 1)), study.seconds)

    def differ(one: Samples, other: Samples) -> float:
        first, second = (describe(x, by.sample_rate_hz) / deviations for x in (one, other))
        return float(np.linalg.norm(first - second))

    measures: dict[str, Callable[[Samples, Samples], float]] = {
        "mel": lambda one, other: log_mel_l1(one, other, by.features),
        "descriptors": differ,
    }
    rows, shown = [], []
    for number, ((first, a), (second, b)) in enumerate(bar(pairs, "interpolating", "pair")):
        ways = play_ways(a, b, by)
        row: dict[str, Any] = {"a": short_name(first), "b": short_name(second)}
        row |= {way: _figures(ways[way], measures) for way in WAYS}
        rows.append(row)
        if number < study.shown:
            shown.append(_shown(study, by, number, row, ways, (a, b)))
    return {
        "pairs": rows,
        "positions": list(PLACES),
        "titles": WAY_TITLES,
        "summary": {way: summary([row[way] for row in rows]) for way in WAYS},
        "shown": shown,
    }


def play_ways(a: EncodedExcerpt, b: EncodedExcerpt, by: ModelRenderer) -> dict[str, list[Samples]]:
    """Eleven sounds (T,) of every way."""
    both = [by.play(_mix(a.style, b.style, t), _mix(a.structure, b.structure, t)) for t in PLACES]
    style = [by.play(_mix(a.style, b.style, t), a.structure) for t in PLACES]
    return {
        BOTH: both,
        STYLE: style,
        CROSS_FADE: [_mix(both[0], both[-1], t) for t in PLACES],
    }


def glide(a: EncodedExcerpt, b: EncodedExcerpt, by: ModelRenderer) -> Samples:
    """The whole way within one clip, (T,): the position rises while it plays."""
    frames = by.layout.stretch_frames
    share = (np.arange(frames) - by.layout.lead_frames) / max(by.layout.frames - 1, 1)
    share = np.clip(share, 0, 1).astype(np.float32)
    style = _mix(a.style[:, None], b.style[:, None], share)
    return by.cut(
        by.sound(style, _mix(by.at_frames(a.structure), by.at_frames(b.structure), share))
    )


def path_figures(path: Sequence[Samples], distance: Callable[[Samples, Samples], float]) -> Any:
    """``length``, ``detour`` and ``largest`` of a path of sounds, as above."""
    steps = [distance(one, other) for one, other in pairwise(path)]
    length = sum(steps)
    direct = distance(path[0], path[-1])
    return {
        "length": length,
        "detour": length / direct if direct else float("nan"),
        "largest": max(steps) / length if length else float("nan"),
    }


def _figures(
    path: Sequence[Samples], measures: dict[str, Callable[[Samples, Samples], float]]
) -> dict[str, float]:
    return {
        f"{name}_{figure}": value
        for name, distance in measures.items()
        for figure, value in path_figures(path, distance).items()
    }


def _shown(
    study: EvaluationContext,
    by: ModelRenderer,
    number: int,
    row: dict[str, Any],
    ways: dict[str, list[Samples]],
    ends: tuple[EncodedExcerpt, EncodedExcerpt],
) -> dict[str, Any]:
    title = f"interpolation-{number}"
    rate_hz = study.grid.sample_rate_hz
    pictured = {way: dict(zip(map(str, PLACES), ways[way], strict=True)) for way in WAYS}
    a, b = ways[BOTH][0], ways[BOTH][-1]
    faded = _mix(a, b, np.linspace(0, 1, a.size, dtype=np.float32))
    sounds = {"A": a, "half way": ways[BOTH][5], "B": b}
    sounds |= {"gliding from A to B": glide(*ends, by), "cross-fading from A to B": faded}
    return {
        "a": row["a"],
        "b": row["b"],
        "pictures": {
            WAY_TITLES[way]: study.album.picture(f"{title}-{way}", strip(panels, rate_hz))
            for way, panels in pictured.items()
        },
        "sounds": {
            label: study.album.sound(f"{title}-{label}", one) for label, one in sounds.items()
        },
    }


def _mix(a: Any, b: Any, share: Any) -> Any:
    """From a (share 0) to b (share 1), linearly, as the server's decks are mixed."""
    return (a * (1 - share) + b * share).astype(np.float32)
