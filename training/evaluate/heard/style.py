"""``/interp/style`` 1 on pairs of records: B's colour, A's notes, and the network's part of it.

Chroma hears colour too: A equalised to B has A's notes to the letter, and yet another chroma. What
it keeps is shown beside what style keeps.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from export.audio.arrays import Floats
from training.evaluate.context import bar
from training.evaluate.heard.goals import Figure, judged
from training.evaluate.heard.interpolation import mono
from training.evaluate.heard.listening import Answer, Listening
from training.evaluate.heard.records import Record, heard, short_title
from training.measures.listening import mean_colour_db, share_of_way
from training.measures.metrics import chroma_correlation, onset_f1
from training.measures.references import matched_equaliser

PAIRS = 4
APART = 3

GOALS = (
    Figure("way", "mean spectrum: share of the way from A to B", "0..1", least=0.9),
    Figure("chroma_kept", "chroma of A, to its value at style 0", "share", least=0.9),
    Figure("onsets_kept", "onsets of A, to their value at style 0", "share", least=0.9),
    Figure("equalised_chroma", "chroma of A that A equalised to B keeps", "share"),
    Figure("equalised_onsets", "onsets of A that A equalised to B keeps", "share"),
    Figure("network_way", "share of the way by the network (construction off)", "0..1"),
    Figure("way_0", "share of the way at detail 0", "0..1"),
    Figure("network_way_0", "by the network, at detail 0", "0..1"),
)

STYLE_OF_B = {"/interp/style": 1.0}
AT_0 = {"/detail": 0.0}


def measure_style(listening: Listening) -> Answer:
    """Figures of every pair, beside their goals."""
    pairs = listening.pairs(PAIRS, APART)
    rows: list[dict[str, Any]] = [
        {"a": short_title(a), "b": short_title(b), **_figures(listening, a, b)}
        for a, b in bar(pairs, "styling", "pair")
    ]
    return {"goals": judged(GOALS, rows, listening.context.seed), "clips": rows}


def without_construction(record: Record) -> Record:
    """The record on a deck without a mean spectrum: what changes its colour is the network."""
    return replace(record, deck=replace(record.deck, mean_spectrum=None))


def _figures(listening: Listening, a: Record, b: Record) -> dict[str, float]:
    player, pair = listening.player, [a, b]
    bare = [without_construction(record) for record in pair]
    before, styled = (mono(heard(player, pair, one)) for one in ({}, STYLE_OF_B))
    true = mono(a.truth)
    equalised = matched_equaliser(true, mono(b.truth_at(a.rate_hz)))

    def way(records: list[Record], settings: dict[str, float]) -> float:
        return _way(a, b, mono(heard(player, records, settings)))

    return {
        "way": _way(a, b, styled),
        "chroma_kept": _share(
            chroma_correlation(true, styled, a.rate_hz),
            chroma_correlation(true, before, a.rate_hz),
        ),
        "onsets_kept": _share(onset_f1(true, styled, a.rate_hz), onset_f1(true, before, a.rate_hz)),
        "equalised_chroma": chroma_correlation(true, equalised, a.rate_hz),
        "equalised_onsets": onset_f1(true, equalised, a.rate_hz),
        "network_way": way(bare, STYLE_OF_B),
        "way_0": way(pair, STYLE_OF_B | AT_0),
        "network_way_0": way(bare, STYLE_OF_B | AT_0),
    }


def _way(a: Record, b: Record, sound: Floats) -> float:
    rate_hz = a.rate_hz
    start, end = (mono(one) for one in (a.truth, b.truth_at(rate_hz)))
    return share_of_way(*(mean_colour_db(one, rate_hz) for one in (start, end, sound)))


def _share(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")
