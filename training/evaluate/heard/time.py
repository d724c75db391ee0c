"""Time under detail: frozen for ten seconds, two hundred passes of a loop, other speeds.

Frozen, a sound must neither drift nor pulse at the rate of the spectra. The same length of the
recording around the place shows how much pulse is its own.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from export.audio.arrays import Floats
from training.evaluate.context import bar
from training.evaluate.heard.goals import Figure, judged
from training.evaluate.heard.listening import Answer, Listening
from training.evaluate.heard.records import LEAD_S, Record, resampled, short_title
from training.measures.listening import buzz_db, power_db
from training.measures.metrics import level_db, spectral_distance, timbre_distance

RECORDS = 3
FREEZE_S, SETTLE_S = 10.0, 1.0
BUZZ_S = 1.5
"""Length of sound whose buzz is compared: the longer, the higher a steady pulse stands out."""
LEVEL_S = 0.093
LOOP_S, PASSES = 0.5, 200
SPEEDS = {"half": 0.5, "double": 2.0, "backwards": -1.0}

GOALS = (
    Figure("frozen_drift_db", "frozen: level from second 1 to 10", "dB", least=-1, most=1),
    Figure("frozen_unrest_db", "frozen: deviation of level within 93 ms", "dB", most=1),
    Figure("buzz_over_db", "frozen: buzz at the hop rate over the recording's", "dB", most=3),
    Figure("buzz_db", "the frozen sound's buzz", "dB"),
    Figure("record_buzz_db", "the recording's buzz", "dB"),
    Figure("loop_distance", "loop: pass 200 to pass 2, spectral distance", "eps 1e-3", most=0.05),
    Figure("loop_error_db", "loop: difference of pass 200 to pass 2", "dB"),
    Figure("loop_to_record", "loop: pass 200 to the recording, spectral distance", "eps 1e-3"),
    *(
        figure
        for name in SPEEDS
        for figure in (
            Figure(f"{name}_db", f"{name}: level to the recording's", "dB", least=-1.5, most=1.5),
            Figure(f"{name}_timbre", f"{name}: timbre to the recording's", "MFCC, dB"),
        )
    ),
)


def measure_heard_time(listening: Listening) -> Answer:
    """Figures of every record, beside their goals."""
    rows: list[dict[str, Any]] = []
    for record in bar(listening.records(RECORDS), "playing with time"):
        figures = (
            frozen_figures(listening, record)
            | loop_figures(listening, record)
            | speed_figures(listening, record)
        )
        rows.append({"clip": short_title(record), **figures})
    return {"goals": judged(GOALS, rows, listening.context.seed), "clips": rows}


def frozen_figures(listening: Listening, record: Record) -> dict[str, float]:
    """The middle of the record held for ``FREEZE_S``: drift, unrest and buzz."""
    player, rate_hz = listening.player, record.rate_hz
    place_s = record.seconds / 2
    performance = player.begin({"a": record.deck}, {})
    performance.render(place_s)
    performance.turn({"/freeze": 1.0})
    performance.render(SETTLE_S)
    frozen = record.mid(resampled(performance.render(FREEZE_S), player.sample_rate_hz, rate_hz))
    begin_s = min(max(place_s - BUZZ_S / 2, 0), max(record.seconds - BUZZ_S, 0))
    around = record.mid(record.between(begin_s, begin_s + BUZZ_S))
    own, of_record = (
        frozen_buzz_db(listening, frozen, rate_hz),
        _buzz_db(listening, around, rate_hz),
    )
    return {
        "frozen_drift_db": power_db(frozen[-rate_hz:]) - power_db(frozen[:rate_hz]),
        "frozen_unrest_db": unrest_db(frozen, round(LEVEL_S * rate_hz)),
        "buzz_over_db": own - of_record,
        "buzz_db": own,
        "record_buzz_db": of_record,
    }


def unrest_db(samples: Floats, piece_samples: int) -> float:
    """Standard deviation of the levels of successive pieces."""
    pieces = samples[: samples.size // piece_samples * piece_samples].reshape(-1, piece_samples)
    return float(np.std([power_db(piece) for piece in pieces]))


def frozen_buzz_db(listening: Listening, frozen: Floats, rate_hz: int) -> float:
    """Mean buzz of successive stretches, each as long as the recording's."""
    length = round(BUZZ_S * rate_hz)
    starts = range(0, frozen.size - length + 1, length)
    return float(
        np.mean([_buzz_db(listening, frozen[one : one + length], rate_hz) for one in starts])
    )


def loop_figures(listening: Listening, record: Record) -> dict[str, float]:
    """``PASSES`` passes of the first half second: is the last one the second one?"""
    manifest, deck = listening.player.bundle.manifest, record.deck
    tick_s = manifest.tick_samples / manifest.sample_rate_hz
    ticks = min(max(round(LOOP_S / tick_s), 1), deck.ticks)
    settings = {"/loop/start": 0.0, "/loop/end": ticks / deck.ticks}
    performance = listening.player.begin({"a": deck}, settings)
    performance.render(ticks * tick_s)
    second = performance.render(ticks * tick_s)
    performance.render((PASSES - 3) * ticks * tick_s)
    last = performance.render(ticks * tick_s)
    true = resampled(record.samples, record.rate_hz, manifest.sample_rate_hz)
    passes = [record.mid(one) for one in (second, last, true[:, : last.shape[1]])]
    return {
        "loop_distance": spectral_distance(passes[0], passes[1], 1e-3),
        "loop_error_db": level_db(passes[0], passes[1] - passes[0]),
        "loop_to_record": spectral_distance(passes[2], passes[1], 1e-3),
    }


def speed_figures(listening: Listening, record: Record) -> dict[str, float]:
    """Level and mean timbre at other speeds, to the part of the recording that is played."""
    player, rate_hz = listening.player, record.rate_hz
    found = {}
    for name, speed in SPEEDS.items():
        length_s = record.seconds - LEAD_S
        seconds = length_s / abs(speed)
        played = player.play({"a": record.deck}, {"/speed": speed}, seconds)
        sound = record.mid(resampled(played, player.sample_rate_hz, rate_hz))
        begin_s = LEAD_S if speed < 0 else 0.0
        true = record.mid(record.between(begin_s, begin_s + length_s))
        found[f"{name}_db"] = power_db(sound) - power_db(true)
        found[f"{name}_timbre"] = timbre_distance(true, sound, rate_hz)
    return found


def _buzz_db(listening: Listening, samples: Floats, rate_hz: int) -> float:
    manifest = listening.player.bundle.manifest
    return buzz_db(samples, rate_hz, manifest.sample_rate_hz / manifest.spectrum_hop_samples)
