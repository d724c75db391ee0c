"""``/interp`` between two records: each end its own record, and a merge between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from export.audio.arrays import Floats
from training.evaluate.context import bar
from training.evaluate.heard.goals import Figure, judged
from training.evaluate.heard.listening import Answer, Listening
from training.evaluate.heard.records import Record, heard, short_title
from training.measures.listening import mel_distance_db, power_above_db, power_db, side_db
from training.measures.metrics import mean_timbre

PAIRS = 4
APART = 2
PLACES = tuple(eighth / 8 for eighth in range(9))
MIDDLE = PLACES.index(0.5)
QUARTER = 2
"""A quarter of the knob, in steps of ``PLACES``."""
BRIGHT_HZ = 5500.0

GOALS = (
    Figure("share_at_0", "at 0: share of the way to B (MFCC)", "0..1", most=0.05),
    Figure("share_at_1", "at 1: share of the way to B", "0..1", least=0.95),
    Figure("is_monotone", "pairs whose way never turns back", "share", least=1),
    Figure("largest_step", "largest step for a quarter of the knob", "of the way", most=0.4),
    Figure("level_off_db", "level's largest deviation from a line", "dB", most=1.5),
    Figure("to_crossfade_db", "middle to the equal-power crossfade", "mel dB"),
    Figure("to_latents_db", "middle to the latents alone", "mel dB"),
    Figure("nearer_to_latents_db", "by how much the latents are nearer", "mel dB", least=0),
    Figure("width_db", "width at the middle, to the narrower record", "dB", least=-3),
    Figure("bright_db", "level above 5.5 kHz, to the darker record", "dB", least=-3),
)


def measure_heard_interpolation(listening: Listening) -> Answer:
    """Figures of every pair, beside their goals."""
    pairs = listening.pairs(PAIRS, APART)
    rows: list[dict[str, Any]] = [
        {"a": short_title(a), "b": short_title(b), **_figures(listening, a, b)}
        for a, b in bar(pairs, "interpolating", "pair")
    ]
    return {"goals": judged(GOALS, rows, listening.context.seed), "clips": rows}


def _figures(listening: Listening, a: Record, b: Record) -> dict[str, float]:
    rate_hz = a.rate_hz
    path = [heard(listening.player, [a, b], {"/interp": place}) for place in PLACES]
    merged = heard(listening.player, [a, b], {"/interp": 0.5, "/detail": 0.0})
    truths = a.truth, b.truth_at(rate_hz)[:, : a.truth.shape[1]]
    return (
        path_figures([mono(one) for one in path], mono(truths[0]), mono(truths[1]), rate_hz)
        | {"level_off_db": level_off_db([power_db(one) for one in path])}
        | middle_figures(path[MIDDLE], merged, truths, rate_hz)
    )


def path_figures(path: Sequence[Floats], a: Floats, b: Floats, rate_hz: int) -> dict[str, float]:
    """How the mean timbre (MFCC) goes from A to B along ``path``, all (T,).

    The share of the way is the distance to A over the sum of both distances.
    """
    places = np.stack([mean_timbre(sound, rate_hz) for sound in path])
    to_a, to_b = (np.linalg.norm(places - mean_timbre(end, rate_hz), axis=1) for end in (a, b))
    share = to_a / np.maximum(to_a + to_b, 1e-9)
    return {
        "share_at_0": float(share[0]),
        "share_at_1": float(share[-1]),
        "is_monotone": float((np.diff(share) > 0).all()),
        "largest_step": _largest_step(places),
    }


def level_off_db(levels_db: Sequence[float]) -> float:
    """The largest deviation of levels from a straight line between the first and the last."""
    line = np.linspace(levels_db[0], levels_db[-1], len(levels_db))
    return float(np.abs(np.array(levels_db) - line).max())


def middle_figures(
    middle: Floats, merged: Floats, truths: tuple[Floats, Floats], rate_hz: int
) -> dict[str, float]:
    """The middle (2, T) against the latents alone, a crossfade of both records, and each record."""
    length = min(one.shape[1] for one in truths)
    crossfade = np.sqrt(0.5) * (truths[0][:, :length] + truths[1][:, :length])
    heard_middle = mono(middle)
    to_crossfade = mel_distance_db(heard_middle[:length], mono(crossfade), rate_hz)
    to_latents = mel_distance_db(heard_middle, mono(merged), rate_hz)
    darker = min(power_above_db(mono(one), rate_hz, BRIGHT_HZ) for one in truths)
    sides = [side_db(one) for one in truths]
    return {
        "to_crossfade_db": to_crossfade,
        "to_latents_db": to_latents,
        "nearer_to_latents_db": to_crossfade - to_latents,
        "width_db": side_db(middle) - min(sides) if np.isfinite(sides).all() else float("nan"),
        "bright_db": power_above_db(heard_middle, rate_hz, BRIGHT_HZ) - darker,
    }


def mono(stereo: Floats) -> Floats:
    """The mean of the channels, (2, T) -> (T,)."""
    return np.asarray(stereo.mean(axis=0), np.float32)


def _largest_step(places: NDArray[np.float64]) -> float:
    """The longest of four steps, as a share of their sum."""
    steps = np.linalg.norm(np.diff(places[::QUARTER], axis=0), axis=1)
    return float(steps.max() / max(float(steps.sum()), 1e-9))
