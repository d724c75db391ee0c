"""Style of B with structure of A: what is kept of each, and does a held chord stay a chord?

Pairs are neighbouring held-out clips of different music, so there is no true answer; the swap
stands beside A and B as the model plays them by themselves.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from training.evaluate.context import (
    EvaluationContext,
    bar,
    pairs_heard,
    short_name,
    statistics,
    summary,
)
from training.measures.excerpts import Excerpt, excerpt_of_sound
from training.measures.metrics import (
    Samples,
    chroma_correlation,
    level_db,
    onset_correlation,
    pitch_profile,
    tempo_bpm,
    timbre_distance,
)
from training.measures.model_renderer import EncodedExcerpt, ModelRenderer
from training.report.comparison_pictures import loudest_db, spectrogram

PAIRS = 12
SWAP, OWN_A, OWN_B = SOUNDS = ("swap", "a_decoded", "b_decoded")
TITLES = {
    SWAP: "structure of A, style of B",
    OWN_A: "A, decoded as it is",
    OWN_B: "B, decoded as it is",
}

TEMPO_TOLERANCE = 0.04
"""What MIREX calls the same tempo; half and double are not."""

CHORD_HZ = (130.81, 196.0, 261.63, 329.63)
"""C major over two octaves, as the held chord."""

CHORD_RMS = 0.07
BLOCK_S = 0.5


def swaps_section(study: EvaluationContext) -> dict[str, Any]:
    """Figures of every pair and their means; the chord in every B's style."""
    by = study.rendition(study.seconds)
    pairs = pairs_heard(study, by, min(PAIRS, max(study.clips // 2, 1)), study.seconds)
    rows, shown = [], []
    for number, ((first, a), (second, b)) in enumerate(bar(pairs, "swapping", "pair")):
        sounds = {
            SWAP: by.play(b.style, a.structure),
            OWN_A: by.play(a.style, a.structure),
            OWN_B: by.play(b.style, b.structure),
        }
        row: dict[str, Any] = {"a": short_name(first), "b": short_name(second)}
        row |= {
            name: kept(first.truth, second.truth, one, by.sample_rate_hz)
            for name, one in sounds.items()
        }
        rows.append(row)
        if number < study.shown:
            shown.append(_shown(study, number, row, first, second, sounds[SWAP]))
    return {
        "pairs": rows,
        "titles": TITLES,
        "summary": {name: summary([row[name] for row in rows]) for name in SOUNDS},
        "chord": _chord_figures(study, by, [b for _, (_, b) in pairs]),
        "shown": shown,
    }


def kept(a: Samples, b: Samples, made: Samples, sample_rate_hz: int) -> dict[str, float]:
    """What a sound has of A's notes and of B's timbre, all (T,)."""
    return {
        "mfcc_to_b": timbre_distance(b, made, sample_rate_hz),
        "mfcc_to_a": timbre_distance(a, made, sample_rate_hz),
        "onsets_of_a": onset_correlation(a, made, sample_rate_hz),
        "chroma_of_a": chroma_correlation(a, made, sample_rate_hz),
        "tempo_of_a": float(_same_tempo(a, made, sample_rate_hz)),
    }


def held_chord(samples: int, sample_rate_hz: int) -> Samples:
    """Four notes of six harmonics each that never change, (T,)."""
    time_s = np.arange(samples) / sample_rate_hz
    tones = sum(
        np.sin(2 * np.pi * hz * order * time_s) / order
        for hz in CHORD_HZ
        for order in range(1, 7)
        if hz * order < sample_rate_hz / 2
    )
    chord = np.asarray(tones, np.float32)
    return np.asarray(chord * CHORD_RMS / np.sqrt(np.square(chord).mean()), np.float32)


def chord_kept(chord: Samples, made: Samples, sample_rate_hz: int) -> dict[str, float]:
    """``pitches``: correlation of mean chroma; ``unrest_db``: deviation of the level over time."""
    true, found = (pitch_profile(one, sample_rate_hz) for one in (chord, made))
    block = round(BLOCK_S * sample_rate_hz)
    parts = [made[first : first + block] for first in range(0, made.size - block + 1, block)]
    levels_db = [level_db(chord, part) for part in parts]
    return {
        "pitches": float(np.corrcoef(true, found)[0, 1]),
        "unrest_db": float(np.std(levels_db)),
    }


def _chord_figures(
    study: EvaluationContext, by: ModelRenderer, styles: list[EncodedExcerpt]
) -> dict[str, Any]:
    grid = study.grid
    chord = held_chord(by.layout.stretch_frames * grid.hop_samples, grid.sample_rate_hz)
    excerpt = excerpt_of_sound("held chord", chord, grid, by.layout)
    heard = by.listen(excerpt)
    own = by.play(heard.style, heard.structure)
    swapped = [by.play(one.style, heard.structure) for one in styles]
    alone = [by.play(one.style, one.structure) for one in styles]

    def figures(sounds: list[Samples]) -> dict[str, dict[str, float]]:
        return summary([chord_kept(excerpt.truth, one, grid.sample_rate_hz) for one in sounds])

    return {
        "own_style": figures([own]),
        "swapped": figures(swapped),
        "b_by_itself": figures(alone),
        "sounds": {
            label: study.album.sound(f"chord-{label}", one)
            for label, one in (
                ("the chord", excerpt.truth),
                ("decoded in its own style", own),
                ("in the style of another clip", swapped[0]),
            )
        },
        "level_db": statistics([level_db(excerpt.truth, one) for one in swapped]),
    }


def _same_tempo(a: Samples, made: Samples, sample_rate_hz: int) -> bool:
    true, found = (tempo_bpm(one, sample_rate_hz) for one in (a, made))
    return abs(found / true - 1) <= TEMPO_TOLERANCE


def _shown(
    study: EvaluationContext,
    number: int,
    row: dict[str, Any],
    first: Excerpt,
    second: Excerpt,
    swap: Samples,
) -> dict[str, Any]:
    rate_hz = study.grid.sample_rate_hz
    named = {"A": first.truth, "B": second.truth, "structure of A, style of B": swap}
    return {
        "a": row["a"],
        "b": row["b"],
        "panels": [
            {
                "title": title,
                "picture": study.album.picture(
                    f"swap-{number}-{title}", spectrogram(one, rate_hz, loudest_db(one, rate_hz))
                ),
                "sound": study.album.sound(f"swap-{number}-{title}", one),
            }
            for title, one in named.items()
        ],
    }
