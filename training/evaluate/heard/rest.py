"""At rest: how near is what is heard to the recording, when nothing is moved?

At detail 1, 1/2 and 0, against the recording in stereo at its own rate. References are made of the
recording's mid: noise with its mean spectrum, and Griffin-Lim on 128 true mels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from export.audio.arrays import Floats
from model.config import FeatureConfig
from model.features import LogMelImage
from training.evaluate.context import bar, summary
from training.evaluate.heard.goals import Figure, judged
from training.evaluate.heard.knobs import knobs_of
from training.evaluate.heard.listening import Answer, Listening
from training.evaluate.heard.records import Record, heard, short_title
from training.evaluate.text import summary_table
from training.measures.listening import high_band_distance, side_db
from training.measures.metrics import chroma_correlation, level_db, onset_f1, spectral_distance
from training.measures.references import GriffinLim, coloured_noise

RECORDS = 6
DETAILS = {"detail_1": 1.0, "detail_half": 0.5, "detail_0": 0.0}
GRIFFIN_LIM, NOISE = "griffin_lim", "noise"
GRIFFIN_LIM_MELS = 128

TITLES = {
    "detail_1": "detail 1",
    "detail_half": "detail 0.5",
    "detail_0": "detail 0: the network alone",
    GRIFFIN_LIM: "Griffin-Lim on 128 true mels",
    NOISE: "noise, mean spectrum",
}

COLUMNS = {
    "spectral_distance": ("spectral distance", "eps 1e-3"),
    "chroma": ("chroma", "r"),
    "onset_f1": ("onset F1", "0..1"),
    "mid_db": ("level", "dB, mid"),
    "side_db": ("side", "dB"),
    "high_band": ("above 11 kHz", "spectral distance"),
}

GOALS = (
    Figure("detail_1.spectral_distance", "detail 1: spectral distance", "eps 1e-3", most=0.05),
    Figure("detail_1.chroma", "detail 1: chroma", "r", least=0.99),
    Figure("detail_1.side_db", "detail 1: side channel", "dB", least=-0.5, most=0.5),
    Figure("detail_half.spectral_distance", "detail 0.5: spectral distance", "", most=0.6),
    Figure("share", "detail 0: share of the way from noise to Griffin-Lim", "", least=0.75),
    Figure("detail_0.chroma", "detail 0: chroma", "r", least=0.62),
    Figure("detail_0.high_band", "detail 0: spectral distance above 11 kHz", "eps 1e-3"),
)


def measure_rest(listening: Listening) -> Answer:
    """Figures of every method, beside their goals; pictures of the first records."""
    rows, shown = [], []
    for number, record in enumerate(bar(listening.records(RECORDS), "at rest")):
        sounds = {
            method: heard(listening.player, [record], {"/detail": detail})
            for method, detail in DETAILS.items()
        }
        rows.append(_row(record, sounds | references(record, listening.context.seed)))
        if number < listening.context.shown:
            shown.append(_shown(listening, number, record, sounds))
    means = {method: summary([row[method] for row in rows]) for method in TITLES}
    distances = {method: means[method]["spectral_distance"]["mean"] for method in TITLES}
    way = distances[NOISE] - distances[GRIFFIN_LIM]
    share = (distances[NOISE] - distances["detail_0"]) / way if way > 0 else float("nan")
    return {
        "goals": judged(GOALS, [*map(_flat, rows), {"share": share}], listening.context.seed),
        "titles": TITLES,
        "columns": COLUMNS,
        "summary": means,
        "clips": rows,
        "shown": shown,
    }


def references(record: Record, seed: int) -> dict[str, Floats]:
    """Griffin-Lim and noise made of the record's mid, the same in both channels: (2, T) each."""
    mid = record.mid(record.truth)
    made = {
        GRIFFIN_LIM: griffin_lim(mid, record.rate_hz, seed),
        NOISE: coloured_noise(mid, seed),
    }
    return {method: np.stack([sound, sound]) for method, sound in made.items()}


def griffin_lim(samples: Floats, rate_hz: int, seed: int) -> Floats:
    """A sound (T,) from its own mels, on the grid of ``full`` or that part of it."""
    scale = 2 ** min(round(np.log2(rate_hz / 44_100)), 1)
    hop = round(1024 * scale)
    config = FeatureConfig(rate_hz, hop, GRIFFIN_LIM_MELS, (2 * hop, 4 * hop, 8 * hop))
    frames = -(-samples.size // hop)
    # One more frame on each side, as ``GriffinLim`` wants, and the image's context.
    before = config.context_samples // 2 + hop
    after = (frames * hop - samples.size) + before
    padded = np.pad(samples, (before, after), mode="reflect")
    image = LogMelImage(config)(torch.from_numpy(padded)[None])[0].numpy()
    return GriffinLim(config)(image, seed)[: samples.size]


def figures(record: Record, sound: Floats) -> dict[str, float]:
    """``COLUMNS`` of a sound (2, T)."""
    rate_hz = record.rate_hz
    true, other = record.mid(record.truth), record.mid(sound)
    return {
        "spectral_distance": spectral_distance(true, other, 1e-3),
        "chroma": chroma_correlation(true, other, rate_hz),
        "onset_f1": onset_f1(true, other, rate_hz),
        "mid_db": level_db(true, other),
        "side_db": side_db(sound) - side_db(record.truth),
        "high_band": high_band_distance(true, other, rate_hz),
    }


def _row(record: Record, sounds: dict[str, Floats]) -> dict[str, Any]:
    measured = {method: figures(record, sound) for method, sound in sounds.items()}
    return {"clip": short_title(record), "is_stereo": record.is_stereo, **measured}


def _flat(row: dict[str, Any]) -> dict[str, float]:
    return {f"{method}.{name}": value for method in TITLES for name, value in row[method].items()}


def _shown(
    listening: Listening, number: int, record: Record, sounds: dict[str, Floats]
) -> dict[str, Any]:
    """The record, detail 1 at rest and moved, and detail 0."""
    knob = knobs_of(listening.player.bundle)[0]
    moved = heard(listening.player, [record], {knob.address: 2.0})
    shown = {
        "the recording": record.truth,
        "detail 1, nothing moved": sounds["detail_1"],
        f"detail 1, {knob.word} +2": moved,
        "detail 0": sounds["detail_0"],
    }
    return {
        "clip": short_title(record),
        "panels": listening.panels(f"heard-{number}", record, shown),
    }


def rest_lines(answer: Answer) -> Sequence[str]:
    """The table of methods as text."""
    return summary_table("", answer, tuple(COLUMNS))
