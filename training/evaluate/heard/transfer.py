"""Style transfer as it is heard: style of B, structure of A, against B playing A's place.

One piece rendered with two instruments, as in ``training.evaluate.rendered_pairs``, but at the
files' own rate and through the engine, with detail and without.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from export.audio.arrays import Floats
from training.evaluate.context import bar, shortened, summary
from training.evaluate.heard.goals import Figure, judged
from training.evaluate.heard.listening import Answer, Listening
from training.evaluate.heard.records import LEAD_S, Record, heard, load_record
from training.evaluate.rendered_pairs import nearer, rendered_pieces
from training.evaluate.text import summary_table
from training.measures.listening import mel_distance_db
from training.measures.metrics import at_level_of, mfcc_distance, spectral_distance
from training.measures.references import coloured_noise, cross_synthesis, matched_equaliser
from training.store.index import StoredRecording

PAIRS = 6
LATEST_SHARE = 0.5
"""A's place is in the first half, the other place of B half a piece later."""

DETAIL_1, DETAIL_0 = "detail_1", "detail_0"
COPY, SPECTRUM, CROSS, EQUALISED = RIVALS = (
    "copy_a",
    "mean_spectrum_b",
    "cross_synthesis",
    "equalised_a",
)
TITLES = {
    DETAIL_1: "detail 1",
    DETAIL_0: "detail 0",
    COPY: "A as it is",
    SPECTRUM: "noise, mean spectrum of B",
    CROSS: "cross-synthesis of A with B",
    EQUALISED: "A equalised to B's spectrum",
}
MEASURES: dict[str, Callable[[Floats, Floats, int], float]] = {
    "mel_db": mel_distance_db,
    "mfcc_distance": mfcc_distance,
    "spectral_distance": lambda truth, other, _: spectral_distance(truth, other, 1e-3),
}
COLUMNS = {
    "mel_db": ("mel bands", "dB"),
    "mfcc_distance": ("MFCC", "dB"),
    "spectral_distance": ("spectral distance", "eps 1e-3"),
}
LEAST_NEARER = 0.03

GOALS = (
    Figure("mel_db", "detail 1: nearer than the best rival, mel dB", "share", least=LEAST_NEARER),
    Figure("mfcc_distance", "by MFCC", "share"),
    Figure("spectral_distance", "by spectral distance", "share"),
)


@dataclass(frozen=True, eq=False)
class HeardPair:
    """A's place of a piece, B's rendering of it (the answer), and another place of B's."""

    piece: str
    source: Record
    answer: Record
    elsewhere: Record


def measure_heard_transfer(listening: Listening) -> Answer:
    """Figures of every pair, their means, and by which share the transfer is nearer.

    Raises:
        SectionError: no piece in the split is rendered with two instruments.
    """
    pieces = rendered_pieces(listening.context)
    random = np.random.default_rng(listening.context.seed)
    rows = []
    for number in bar(range(min(PAIRS, listening.context.clips)), "transferring", "pair"):
        pair = draw_pair(listening, pieces[number % len(pieces)], random)
        rows.append({"piece": pair.piece, **_row(listening, pair)})
    means = {method: summary([row[method] for row in rows]) for method in TITLES}
    shares = {name: nearer(means, rows, name, DETAIL_1, RIVALS) for name in MEASURES}
    return {
        "goals": judged(
            GOALS,
            [{name: share["share"] for name, share in shares.items()}],
            listening.context.seed,
        ),
        "titles": TITLES,
        "columns": COLUMNS,
        "summary": means,
        "nearer": shares,
        "clips": rows,
    }


def draw_pair(
    listening: Listening, renderings: Sequence[StoredRecording], random: np.random.Generator
) -> HeardPair:
    """Two renderings of one piece, at a place drawn from its first half."""
    context, player = listening.context, listening.player
    a, b = (renderings[index] for index in random.permutation(len(renderings))[:2])
    length_s = b.length / context.store.sample_rate_hz
    start_s = LEAD_S + float(random.uniform(0, length_s * LATEST_SHARE))

    def at(recording: StoredRecording, begin_s: float) -> Record:
        return load_record(context, player, recording, context.seconds, begin_s)

    piece = shortened(str(a.score).rsplit("/", 1)[-1])
    return HeardPair(piece, at(a, start_s), at(b, start_s), at(b, start_s + length_s / 2))


def play_methods(listening: Listening, pair: HeardPair) -> dict[str, Floats]:
    """The answer by each method of ``TITLES``, (T,) each, at the answer's level."""
    a, b, rate_hz = pair.source, pair.elsewhere, pair.answer.rate_hz
    true, source, style = (one.mid(one.truth_at(rate_hz)) for one in (pair.answer, a, b))

    def transferred(detail: float) -> Floats:
        settings = {"/interp/style": 1.0, "/detail": detail}
        return a.mid(heard(listening.player, [a, b], settings, rate_hz))

    made = {
        DETAIL_1: transferred(1.0),
        DETAIL_0: transferred(0.0),
        COPY: source,
        SPECTRUM: coloured_noise(style, listening.context.seed),
        CROSS: cross_synthesis(source, style),
        EQUALISED: matched_equaliser(source, style),
    }
    return {method: at_level_of(true, one[: true.size]) for method, one in made.items()}


def _row(listening: Listening, pair: HeardPair) -> dict[str, Any]:
    true, rate_hz = pair.answer.mid(pair.answer.truth), pair.answer.rate_hz
    return {
        method: {
            name: measure(true[: sound.size], sound, rate_hz) for name, measure in MEASURES.items()
        }
        for method, sound in play_methods(listening, pair).items()
    }


def transfer_lines(answer: Answer) -> Sequence[str]:
    """The table of methods as text."""
    return summary_table("", answer, tuple(COLUMNS))
