"""Swaps: structure of A with style of B. How much is kept of each, and of a held chord?

Pairs are neighbouring held-out clips of different music, so there is no true answer; the swap
is compared with A and with B as the model plays them by themselves.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from export.audio.arrays import Floats
from training.evaluate.context import (
    EvaluationContext,
    bar,
    encoded_pairs,
    short_name,
    statistics,
    summary,
)
from training.evaluate.text import summary_table
from training.measures.excerpts import excerpt_of_sound
from training.measures.metrics import (
    chroma_correlation,
    level_db,
    onset_correlation,
    pitch_profile,
    tempo_bpm,
    timbre_distance,
)
from training.measures.model_renderer import EncodedExcerpt, ModelRenderer

PAIRS = 12
SWAP, OWN_A, OWN_B = SOUNDS = ("swap", "a_decoded", "b_decoded")
TITLES = {
    SWAP: "structure of A, style of B",
    OWN_A: "A, decoded as it is",
    OWN_B: "B, decoded as it is",
}

TEMPO_TOLERANCE = 0.04
"""MIREX's tolerance for the same tempo; half and double tempo do not count."""

CHORD_HZ = (130.81, 196.0, 261.63, 329.63)
"""The held chord: C major over two octaves."""

CHORD_RMS = 0.07
BLOCK_S = 0.5


def measure_swaps(context: EvaluationContext) -> dict[str, Any]:
    """Figures of every pair and their means; the chord in the style of every B."""
    renderer = context.renderer(context.seconds)
    count = min(PAIRS, max(context.clips // 2, 1))
    pairs = encoded_pairs(context, renderer, count, context.seconds)
    rows, shown = [], []
    for number, ((first, a), (second, b)) in enumerate(bar(pairs, "swapping", "pair")):
        sounds = {
            SWAP: renderer.play(b.style, a.structure),
            OWN_A: renderer.play(a.style, a.structure),
            OWN_B: renderer.play(b.style, b.structure),
        }
        names = {"a": short_name(first), "b": short_name(second)}
        row: dict[str, Any] = {
            name: kept(first.truth, second.truth, sound, renderer.sample_rate_hz)
            for name, sound in sounds.items()
        }
        rows.append(names | row)
        if number < context.shown:
            shown_sounds = {"A": first.truth, "B": second.truth, TITLES[SWAP]: sounds[SWAP]}
            panels = context.panels(f"swap-{number}", shown_sounds)
            shown.append({**names, "panels": panels})
    return {
        "pairs": rows,
        "titles": TITLES,
        "summary": {name: summary([row[name] for row in rows]) for name in SOUNDS},
        "chord": _chord_figures(context, renderer, [b for _, (_, b) in pairs]),
        "shown": shown,
    }


def kept(a: Floats, b: Floats, made: Floats, sample_rate_hz: int) -> dict[str, float]:
    """Figures of A's notes and of B's timbre in a sound, all (T,)."""
    return {
        "mfcc_to_b": timbre_distance(b, made, sample_rate_hz),
        "mfcc_to_a": timbre_distance(a, made, sample_rate_hz),
        "onsets_of_a": onset_correlation(a, made, sample_rate_hz),
        "chroma_of_a": chroma_correlation(a, made, sample_rate_hz),
        "tempo_of_a": float(_same_tempo(a, made, sample_rate_hz)),
    }


def held_chord(samples: int, sample_rate_hz: int) -> Floats:
    """A steady chord of four notes with six harmonics each, (T,)."""
    time_s = np.arange(samples) / sample_rate_hz
    tones = sum(
        np.sin(2 * np.pi * hz * order * time_s) / order
        for hz in CHORD_HZ
        for order in range(1, 7)
        if hz * order < sample_rate_hz / 2
    )
    chord = np.asarray(tones, np.float32)
    return np.asarray(chord * CHORD_RMS / np.sqrt(np.square(chord).mean()), np.float32)


def chord_kept(chord: Floats, made: Floats, sample_rate_hz: int) -> dict[str, float]:
    """``pitches``: correlation of mean chroma; ``unrest_db``: deviation of the level over time."""
    true, found = (pitch_profile(one, sample_rate_hz) for one in (chord, made))
    block = round(BLOCK_S * sample_rate_hz)
    parts = [made[first : first + block] for first in range(0, made.size - block + 1, block)]
    levels_db = [level_db(chord, part) for part in parts]
    return {
        "pitches": float(np.corrcoef(true, found)[0, 1]),
        "unrest_db": float(np.std(levels_db)),
    }


def swaps_text(section: dict[str, Any]) -> str:
    """A table of the swap and its ends, and the held chord."""
    columns = ("mfcc_to_b", "mfcc_to_a", "onsets_of_a", "chroma_of_a", "tempo_of_a")
    chord = section["chord"]
    held = (
        f"held chord: pitches kept {chord['swapped']['pitches']['mean']:.2f} under a swap, "
        f"{chord['own_style']['pitches']['mean']:.2f} in its own style, "
        f"{chord['b_by_itself']['pitches']['mean']:.2f} by chance"
    )
    return "\n".join([*summary_table("swaps", section, columns), held])


def _chord_figures(
    context: EvaluationContext, renderer: ModelRenderer, styles: list[EncodedExcerpt]
) -> dict[str, Any]:
    grid = context.grid
    chord = held_chord(renderer.layout.stretch_frames * grid.hop_samples, grid.sample_rate_hz)
    excerpt = excerpt_of_sound("held chord", chord, grid, renderer.layout)
    encoded = renderer.encode(excerpt)
    own = renderer.play(encoded.style, encoded.structure)
    swapped = [renderer.play(one.style, encoded.structure) for one in styles]
    alone = [renderer.play(one.style, one.structure) for one in styles]

    def figures(sounds: list[Floats]) -> dict[str, dict[str, float]]:
        return summary([chord_kept(excerpt.truth, one, grid.sample_rate_hz) for one in sounds])

    return {
        "own_style": figures([own]),
        "swapped": figures(swapped),
        "b_by_itself": figures(alone),
        "sounds": {
            title: context.media.sound(f"chord-{title}", sound)
            for title, sound in (
                ("the chord", excerpt.truth),
                ("decoded in its own style", own),
                ("in the style of another clip", swapped[0]),
            )
        },
        "level_db": statistics([level_db(excerpt.truth, one) for one in swapped]),
    }


def _same_tempo(a: Floats, made: Floats, sample_rate_hz: int) -> bool:
    true, found = (tempo_bpm(one, sample_rate_hz) for one in (a, made))
    return abs(found / true - 1) <= TEMPO_TOLERANCE
