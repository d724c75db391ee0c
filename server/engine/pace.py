"""How fast decks are read: as recorded, at the tempo asked for, or all in one beat.

    /tempo 0 (as recorded)   the tempo of what is heard: a deck's own at its corner, between decks
                             between their tempi, so that /interp takes tempo along with the rest
    /tempo 96                what is heard is at 96 bpm

    /interp/align 1   decks of known tempo are read in beats: each at tempo / its own
    /interp/align 0   all decks are read at one pace, which is right for what is heard most

Twice or half the tempo counts as the same, as anyone counts who dances to both: a deck of 160 bpm
goes with one of 80 unchanged, and none is stretched by more than the square root of 2. A deck whose
tempo is not known goes at the plain pace. Where no tempo is known, ``/tempo`` has nothing to go by.

A clock that is followed (``/clock midi`` or ``link``) leads like another deck: with it one deck is
enough to be read in beats, and jumps keep the beat.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from export.bundle.beats import Beats
from server.controls.addresses import AS_RECORDED, SLOWEST_BPM
from server.engine.beat_grid import BeatGrid

Row = NDArray[np.float64]


class TimedDeck(Protocol):
    """A deck, as far as its time goes."""

    @property
    def ticks(self) -> int:
        """K: its length."""

    @property
    def beats(self) -> Beats | None:
        """Its beats, where they are known."""


@dataclass(frozen=True)
class DeckPace:
    """One deck read in beats: its frames in a frame at ``/speed`` 1 (N,), and its beats."""

    rates: Row
    grid: BeatGrid


@dataclass(frozen=True)
class Pace:
    """The pace of N frames, at ``/speed`` 1.

    ``rates`` (N,) are frames of a deck in a frame where it is read plainly, ``beats`` (N,) the
    beats in a frame. Where ``aligned`` (N,), decks in ``lanes`` are read in beats, and where
    ``led`` (N,), by a clock; ``leader`` is the first of them, with its length in ticks.
    """

    tempo_bpm: Row
    rates: Row
    beats: Row
    aligned: NDArray[np.bool_]
    led: NDArray[np.bool_]
    lanes: Mapping[Beats, DeckPace]
    leader: tuple[int, Beats]


def pace_of(
    decks: Sequence[TimedDeck | None],
    heard: NDArray[np.floating],
    asked_bpm: Row,
    align: Row,
    clock: Row,
    frame_s: float,
) -> Pace | None:
    """The pace at which ``decks`` are read, each ``heard`` (4,N) as much; None: as recorded.

    ``asked_bpm`` (N,) is ``AS_RECORDED`` where nothing is asked for, ``clock`` (N,) 0 where none
    is followed.
    """
    known = [(deck, deck.beats, heard[n]) for n, deck in enumerate(decks) if deck and deck.beats]
    if not known:
        return None
    tempi = {beats: _counted(beats.tempo_bpm, known[0][1].tempo_bpm) for _, beats, _ in known}
    own = _between([tempi[beats] for _, beats, _ in known], np.array([w for _, _, w in known]))
    tempo = np.where(asked_bpm == AS_RECORDED, own, np.maximum(asked_bpm, SLOWEST_BPM))
    lanes = {
        beats: DeckPace(tempo / bpm, BeatGrid(beats.first_beat_s / frame_s, 60 / bpm / frame_s))
        for beats, bpm in tempi.items()
    }
    is_several = len({(deck.ticks, beats) for deck, beats, _ in known}) > 1
    return Pace(
        tempo_bpm=tempo,
        rates=tempo / own,
        beats=tempo / 60 * frame_s,
        aligned=(align > 0) & (is_several | (clock > 0)),
        led=(align > 0) & (clock > 0),
        lanes=lanes,
        leader=(known[0][0].ticks, known[0][1]),
    )


def _counted(tempo_bpm: float, like_bpm: float) -> float:
    """A tempo, doubled or halved until it is nearest to another.

    >>> _counted(160.0, 85.0), _counted(100.0, 120.0)
    (80.0, 100.0)
    """
    return float(tempo_bpm * 2.0 ** round(math.log2(like_bpm / tempo_bpm)))


def _between(tempi_bpm: Sequence[float], heard: NDArray[np.floating]) -> Row:
    """The tempo (N,) between several that are ``heard`` so much; the first where none is."""
    weights = np.asarray(heard, np.float64).copy()
    weights[0] += weights.sum(axis=0) == 0
    logs = np.log(tempi_bpm)[:, None]
    tempo: Row = np.exp((weights * logs).sum(axis=0) / weights.sum(axis=0))
    # To the bit where one is heard alone, so that it is read as if there were no others.
    for bpm, weight in zip(tempi_bpm, weights, strict=True):
        tempo[weight == weights.sum(axis=0)] = bpm
    return tempo
