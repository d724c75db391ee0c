"""Knobs under detail: do they do what their names say, and leave the record without a step?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from export.bundle.format import Bundle
from model.config import TAUGHT_KNOBS
from training.evaluate.context import bar
from training.evaluate.heard.goals import Figure, judged
from training.evaluate.heard.listening import Answer, Listening
from training.evaluate.heard.records import Record, heard
from training.measures.descriptors import DESCRIPTORS, describe
from training.measures.listening import mel_distance_db

RECORDS = 3
ENDS = (-2.0, 2.0)
PLACES = (0.02, 0.1, 1.0)
"""Places of a knob, besides 0, at which the distance from the record is measured."""
LEAST_KEPT, LEAST_KEPT_OF_NOISE = 0.7, 0.45
MOST_AT_ONCE = 0.1
SLACK_DB = 0.01
"""By how much a step may come back and still count as level: 16 bits, and the limiter."""
WORDS = [one.name for one in DESCRIPTORS]
UNITS = {one.name: one.unit for one in DESCRIPTORS}

GOALS = (
    Figure("grows", "knobs of which no step leads back to the record", "share", least=1),
    Figure(
        "first_step",
        "largest part of the way to 1 spread that the first 0.02 makes",
        "share",
        most=MOST_AT_ONCE,
    ),
)


@dataclass(frozen=True)
class HeardKnob:
    """A style dimension and the descriptor that it is for; without a name, what was taught."""

    index: int
    word: str
    is_named: bool

    @property
    def address(self) -> str:
        """Its control."""
        return f"/latent/{self.index}"


def knobs_of(bundle: Bundle) -> list[HeardKnob]:
    """The named dimensions; for a bundle without names those nearest to what was taught."""
    named = [HeardKnob(one.index, one.name, True) for one in bundle.dimensions if one.name in WORDS]
    if named:
        return named
    taught = [knob for knob in TAUGHT_KNOBS[: bundle.manifest.style_dims] if knob in WORDS]
    nearest = np.abs(bundle.latents.rotation).argmax(axis=0)
    return [HeardKnob(int(nearest[place]), word, False) for place, word in enumerate(taught)]


def measure_heard_knobs(listening: Listening) -> Answer:
    """Of every knob the effect at detail 0 and 1, and the distance from the record."""
    records = listening.records(RECORDS)
    at_rest = [_distance(listening, record, {}) for record in records]
    knobs = [
        _figures(listening, knob, records, float(np.mean(at_rest)))
        for knob in bar(knobs_of(listening.player.bundle), "turning knobs", "knob")
    ]
    kept = [
        Figure(
            knob["word"], f"{knob['word']}: effect kept", "share", least=least_kept(knob["word"])
        )
        for knob in knobs
    ]
    rows = [
        {
            "grows": float(np.mean([knob["grows"] for knob in knobs])),
            "first_step": max(knob["first_step"] for knob in knobs),
        },
        {knob["word"]: knob["kept"] for knob in knobs},
    ]
    return {
        "goals": judged([*kept, *GOALS], rows, listening.context.seed),
        "knobs": knobs,
        "places": (0.0, *PLACES),
        "clips": len(records),
    }


def least_kept(word: str) -> float:
    """The goal of a knob's effect at detail 1, as a share of that at detail 0."""
    return LEAST_KEPT_OF_NOISE if word == "noisiness" else LEAST_KEPT


def _figures(
    listening: Listening, knob: HeardKnob, records: Sequence[Record], at_rest_db: float
) -> dict[str, Any]:
    effects = {
        detail: float(np.mean([_effect(listening, knob, record, detail) for record in records]))
        for detail in (0.0, 1.0)
    }
    distances = [at_rest_db] + [
        float(np.mean([_distance(listening, one, {knob.address: place}) for one in records]))
        for place in PLACES
    ]
    steps = np.diff(distances)
    way = distances[-1] - distances[0]
    return {
        "index": knob.index,
        "word": knob.word,
        "is_named": knob.is_named,
        "unit": UNITS[knob.word],
        "effect_0": effects[0.0],
        "effect_1": effects[1.0],
        "kept": effects[1.0] / effects[0.0] if effects[0.0] > 0 else float("nan"),
        "distances_db": distances,
        "grows": bool((steps > -SLACK_DB).all()),
        "first_step": float(steps[0]) / way if way > 0 else float("nan"),
    }


def _effect(listening: Listening, knob: HeardKnob, record: Record, detail: float) -> float:
    """Change of the knob's descriptor from -2 to 2 spreads."""
    place = WORDS.index(knob.word)
    low, high = (
        describe(
            record.mid(heard(listening.player, [record], {knob.address: end, "/detail": detail})),
            record.rate_hz,
        )[place]
        for end in ENDS
    )
    return float(high - low)


def _distance(listening: Listening, record: Record, settings: dict[str, float]) -> float:
    """Distance of what is heard from the record, in mel dB."""
    sound = record.mid(heard(listening.player, [record], settings))
    return mel_distance_db(record.mid(record.truth), sound, record.rate_hz)


def knob_lines(answer: Answer) -> Sequence[str]:
    """A line for each knob."""
    places = ", ".join(f"{place:g}" for place in answer["places"])
    lines = [
        f"{'knob':<16}{'effect at 0':>12}{'at 1':>9}{'kept':>8}  mel dB from the record at {places}"
    ]
    for knob in answer["knobs"]:
        far = " ".join(f"{one:.2f}" for one in knob["distances_db"])
        lines.append(
            f"{knob['word']:<16}{knob['effect_0']:12.3f}{knob['effect_1']:9.3f}"
            f"{knob['kept']:8.2f}  {far}"
        )
    return lines
