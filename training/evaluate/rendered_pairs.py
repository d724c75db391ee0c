"""Style transfer with a true answer: one piece, rendered with two instruments.

Structure comes from A's rendering, style from B's at another place of the piece, and the answer is
B's rendering of A's place. Rival methods get the same: A copied, noise with the mean spectrum of B,
classic cross-synthesis, A equalised to B's mean spectrum; the upper bound is the answer itself
through the model. Every sound is brought to the answer's level first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from export.audio.arrays import Floats
from training.evaluate.context import EvaluationContext, SectionError, bar, shortened, summary
from training.evaluate.text import TITLE_WIDTH, percent, summary_table
from training.measures.excerpts import Excerpt, cut_excerpt, excerpt_at
from training.measures.metrics import at_level_of, log_mel_l1, mfcc_distance, spectral_distance
from training.measures.model_renderer import ModelRenderer
from training.measures.references import coloured_noise, cross_synthesis, matched_equaliser
from training.store.index import StoredRecording

PAIRS = 16
TRANSFER, COPY, SPECTRUM, CROSS, EQUALISED, BOUND = METHODS = (
    "transfer",
    "copy_a",
    "mean_spectrum_b",
    "cross_synthesis",
    "equalised_a",
    "reconstruct_b",
)
RIVALS = (COPY, SPECTRUM, CROSS)
"""The methods that a transfer has to beat. The equaliser is shown, though no rival: it is the
cheapest transfer there is, and in spectral distance it has been nearer than any of these."""

TITLES = {
    TRANSFER: "structure of A, style of B",
    COPY: "A as it is",
    SPECTRUM: "noise, mean spectrum of B",
    CROSS: "cross-synthesis of A with B",
    EQUALISED: "A equalised to B's spectrum",
    BOUND: "the answer through the model",
}

MEASURES: dict[str, Callable[[Floats, Floats, ModelRenderer], float]] = {
    "spectral_distance": lambda truth, other, _: spectral_distance(truth, other, 1e-3),
    "log_mel_l1": lambda truth, other, renderer: log_mel_l1(truth, other, renderer.features),
    "mfcc_distance": lambda truth, other, renderer: mfcc_distance(
        truth, other, renderer.sample_rate_hz
    ),
}


@dataclass(frozen=True)
class RenderedPair:
    """A's place of a piece, B's rendering of it (the answer), and another place of B's."""

    piece: str
    a: str
    b: str
    source: Excerpt
    answer: Excerpt
    elsewhere: Excerpt


def measure_transfer(context: EvaluationContext) -> dict[str, Any]:
    """Figures of every pair, their means, and by which share the transfer is nearer.

    Raises:
        SectionError: no piece in the split is rendered with two instruments.
    """
    renderer = context.renderer(context.seconds)
    pairs = draw_rendered_pairs(context, renderer, min(PAIRS, context.clips))
    rows, shown = [], []
    for number, pair in enumerate(bar(pairs, "transferring", "pair")):
        sounds = play_methods(pair, renderer, context.seed)
        row: dict[str, Any] = {"score": pair.piece, "a": pair.a, "b": pair.b}
        row |= {
            method: {
                name: measure(pair.answer.truth, sound, renderer)
                for name, measure in MEASURES.items()
            }
            for method, sound in sounds.items()
        }
        rows.append(row)
        if number < context.shown:
            shown.append(_shown(context, number, pair, sounds))
    means = {method: summary([row[method] for row in rows]) for method in METHODS}
    return {
        "pairs": rows,
        "titles": TITLES,
        "summary": means,
        "nearer": {name: nearer(means, rows, name) for name in MEASURES},
        "shown": shown,
    }


def nearer(
    means: dict[str, dict[str, dict[str, float]]],
    rows: list[dict[str, Any]],
    measure: str,
    method: str = TRANSFER,
    rivals: Sequence[str] = RIVALS,
) -> dict[str, Any]:
    """By which share of its distance a method is nearer to the answer than the best rival."""
    rival = min(rivals, key=lambda one: means[one][measure]["mean"])
    mine, theirs = (means[one][measure]["mean"] for one in (method, rival))
    wins = [row[method][measure] < min(row[one][measure] for one in rivals) for row in rows]
    return {
        "share": 1 - mine / theirs if theirs else float("nan"),
        "best_rival": rival,
        "pairs_won": int(np.sum(wins)),
        "pairs": len(rows),
    }


def play_methods(pair: RenderedPair, renderer: ModelRenderer, seed: int) -> dict[str, Floats]:
    """The answer by each of ``METHODS``, (T,) each, at the answer's level."""
    source, answer, style = (
        renderer.encode(one) for one in (pair.source, pair.answer, pair.elsewhere)
    )
    made = {
        TRANSFER: renderer.play(style.style, source.structure),
        COPY: pair.source.truth,
        SPECTRUM: coloured_noise(pair.elsewhere.truth, seed),
        CROSS: cross_synthesis(pair.source.truth, pair.elsewhere.truth),
        EQUALISED: matched_equaliser(pair.source.truth, pair.elsewhere.truth),
        BOUND: renderer.play(answer.style, answer.structure),
    }
    return {method: at_level_of(pair.answer.truth, one) for method, one in made.items()}


def draw_rendered_pairs(
    context: EvaluationContext, renderer: ModelRenderer, count: int
) -> list[RenderedPair]:
    """Ordered pairs of instruments; every piece comes once before any comes again.

    Raises:
        SectionError: no piece in the split is rendered with two instruments.
    """
    pieces = rendered_pieces(context)
    random = np.random.default_rng(context.seed)
    return [_pair(context, renderer, pieces[n % len(pieces)], random) for n in range(count)]


def rendered_pieces(context: EvaluationContext) -> list[list[StoredRecording]]:
    """The renderings of every piece of the split that has at least two.

    Raises:
        SectionError: there is none.
    """
    by_piece: dict[str, list[StoredRecording]] = defaultdict(list)
    for one in context.store.split(context.split):
        if one.score is not None:
            by_piece[one.score].append(one)
    pieces = [renderings for _, renderings in sorted(by_piece.items()) if len(renderings) > 1]
    if not pieces:
        raise SectionError(
            f"no piece of split '{context.split}' is rendered with two instruments; render some "
            "with training.render and hold them out with training.prepare"
        )
    return pieces


def transfer_text(section: dict[str, Any]) -> str:
    """A table of the methods, and the share by which the transfer is nearer."""
    columns = tuple(section["nearer"])
    lines = summary_table("transfer", section, columns)
    width = max(map(len, columns))
    shares = "  ".join(f"{percent(one['share']):>{width}}" for one in section["nearer"].values())
    return "\n".join([*lines, f"{'nearer than the best rival':<{TITLE_WIDTH}}{shares}"])


def _pair(
    context: EvaluationContext,
    renderer: ModelRenderer,
    renderings: list[StoredRecording],
    random: np.random.Generator,
) -> RenderedPair:
    store, grid, frames = context.store, context.grid, renderer.layout
    a, b = (renderings[index] for index in random.permutation(len(renderings))[:2])
    answer = cut_excerpt(store, b, grid, frames, random)
    length_s = b.length / store.sample_rate_hz
    half_way_s = (answer.start_s + length_s / 2) % length_s
    return RenderedPair(
        piece=shortened(str(a.score).rsplit("/", 1)[-1]),
        a=shortened(str(a.instrument)),
        b=shortened(str(b.instrument)),
        source=excerpt_at(store, a, answer.start_s, grid, frames),
        answer=answer,
        elsewhere=excerpt_at(store, b, half_way_s, grid, frames),
    )


def _shown(
    context: EvaluationContext, number: int, pair: RenderedPair, sounds: dict[str, Floats]
) -> dict[str, Any]:
    answer = pair.answer.truth
    shown = {"B playing it: the answer": answer}
    shown |= {TITLES[method]: sounds[method] for method in METHODS}
    return {
        "a": pair.a,
        "b": pair.b,
        "score": pair.piece,
        "panels": context.panels(f"transfer-{number}", shown, loudest=answer),
    }
