"""Style transfer where the true answer exists: one score, played by two instruments.

Structure comes from A's rendering, style from B's at another place of the piece, and the answer is
B's rendering of A's place. Beside it, from the same knowledge of B: A copied, noise with the mean
spectrum of B, classic cross-synthesis, A equalised to B's mean spectrum; and as an upper bound the
answer itself through the model. Everything is brought to the answer's level first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from training.evaluate.context import EvaluationContext, SectionError, bar, shortened, summary
from training.measures.excerpts import Excerpt, cut_excerpt, excerpt_at
from training.measures.metrics import (
    Samples,
    at_level_of,
    log_mel_l1,
    mfcc_distance,
    spectral_distance,
)
from training.measures.model_renderer import ModelRenderer
from training.measures.references import coloured_noise, cross_synthesis, matched_equaliser
from training.report.comparison_pictures import loudest_db, spectrogram
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
"""Those that the goal names. The equaliser is not among them, but it is the cheapest transfer that
there is, and in spectral distance it has been nearer than any of them."""

TITLES = {
    TRANSFER: "structure of A, style of B",
    COPY: "A as it is",
    SPECTRUM: "noise, mean spectrum of B",
    CROSS: "cross-synthesis of A with B",
    EQUALISED: "A equalised to B's spectrum",
    BOUND: "the answer through the model",
}

MEASURES: dict[str, Callable[[Samples, Samples, ModelRenderer], float]] = {
    "spectral_distance": lambda truth, other, _: spectral_distance(truth, other, 1e-3),
    "log_mel_l1": lambda truth, other, by: log_mel_l1(truth, other, by.features),
    "mfcc_distance": lambda truth, other, by: mfcc_distance(truth, other, by.sample_rate_hz),
}


@dataclass(frozen=True)
class RenderedPair:
    """A's place, B's rendering of it (the answer), and B elsewhere."""

    score: str
    a: str
    b: str
    source: Excerpt
    answer: Excerpt
    elsewhere: Excerpt


def transfer_section(study: EvaluationContext) -> dict[str, Any]:
    """Figures of every pair, their means, and by which share the transfer is nearer.

    Raises:
        SectionError: no score in the split is played by two instruments.
    """
    by = study.rendition(study.seconds)
    pairs = draw_rendered_pairs(study, by, min(PAIRS, study.clips))
    rows, shown = [], []
    for number, pair in enumerate(bar(pairs, "transferring", "pair")):
        sounds = play_methods(pair, by, study.seed)
        row: dict[str, Any] = {"score": pair.score, "a": pair.a, "b": pair.b}
        row |= {
            method: {name: of(pair.answer.truth, one, by) for name, of in MEASURES.items()}
            for method, one in sounds.items()
        }
        rows.append(row)
        if number < study.shown:
            shown.append(_shown(study, number, pair, sounds))
    means = {method: summary([row[method] for row in rows]) for method in METHODS}
    return {
        "pairs": rows,
        "titles": TITLES,
        "summary": means,
        "nearer": {name: nearer(means, rows, name) for name in MEASURES},
        "shown": shown,
    }


def nearer(
    means: dict[str, dict[str, dict[str, float]]], rows: list[dict[str, Any]], measure: str
) -> dict[str, Any]:
    """By which share of its distance the transfer is nearer to the answer than the best rival."""
    rival = min(RIVALS, key=lambda method: means[method][measure]["mean"])
    mine, theirs = (means[method][measure]["mean"] for method in (TRANSFER, rival))
    wins = [row[TRANSFER][measure] < min(row[one][measure] for one in RIVALS) for row in rows]
    return {
        "share": 1 - mine / theirs,
        "best_rival": rival,
        "pairs_won": int(np.sum(wins)),
        "pairs": len(rows),
    }


def play_methods(pair: RenderedPair, by: ModelRenderer, seed: int) -> dict[str, Samples]:
    """The answer by each of ``METHODS``, (T,) each, at the answer's level."""
    source, answer, style = (by.listen(one) for one in (pair.source, pair.answer, pair.elsewhere))
    made = {
        TRANSFER: by.play(style.style, source.structure),
        COPY: pair.source.truth,
        SPECTRUM: coloured_noise(pair.elsewhere.truth, seed),
        CROSS: cross_synthesis(pair.source.truth, pair.elsewhere.truth),
        EQUALISED: matched_equaliser(pair.source.truth, pair.elsewhere.truth),
        BOUND: by.play(answer.style, answer.structure),
    }
    return {method: at_level_of(pair.answer.truth, one) for method, one in made.items()}


def draw_rendered_pairs(
    study: EvaluationContext, by: ModelRenderer, count: int
) -> list[RenderedPair]:
    """Ordered pairs of instruments, all scores in turn before one comes again.

    Raises:
        SectionError: no score in the split is played by two instruments.
    """
    by_score: dict[str, list[StoredRecording]] = defaultdict(list)
    for one in study.store.split(study.split):
        if one.score is not None:
            by_score[one.score].append(one)
    played = [players for _, players in sorted(by_score.items()) if len(players) > 1]
    if not played:
        raise SectionError(
            f"no score of split '{study.split}' is played by two instruments; make some with "
            "training.render and hold them back with training.prepare"
        )
    random = np.random.default_rng(study.seed)
    return [_pair(study, by, played[n % len(played)], random) for n in range(count)]


def _pair(
    study: EvaluationContext,
    by: ModelRenderer,
    players: list[StoredRecording],
    random: np.random.Generator,
) -> RenderedPair:
    a, b = (players[index] for index in random.permutation(len(players))[:2])
    answer = cut_excerpt(study.store, b, study.grid, by.layout, random)
    source = excerpt_at(study.store, a, answer.start_s, study.grid, by.layout)
    length_s = b.length / study.store.sample_rate_hz
    half_way = (answer.start_s + length_s / 2) % length_s
    return RenderedPair(
        score=shortened(str(a.score).rsplit("/", 1)[-1]),
        a=shortened(str(a.instrument)),
        b=shortened(str(b.instrument)),
        source=source,
        answer=answer,
        elsewhere=excerpt_at(study.store, b, half_way, study.grid, by.layout),
    )


def _shown(
    study: EvaluationContext, number: int, pair: RenderedPair, sounds: dict[str, Samples]
) -> dict[str, Any]:
    rate_hz = study.grid.sample_rate_hz
    top_db = loudest_db(pair.answer.truth, rate_hz)
    named = {"B playing it: the answer": pair.answer.truth}
    named |= {TITLES[method]: sounds[method] for method in METHODS}
    return {
        "a": pair.a,
        "b": pair.b,
        "score": pair.score,
        "panels": [
            {
                "title": title,
                "picture": study.album.picture(
                    f"transfer-{number}-{title}", spectrogram(one, rate_hz, top_db)
                ),
                "sound": study.album.sound(f"transfer-{number}-{title}", one),
            }
            for title, one in named.items()
        ],
    }
