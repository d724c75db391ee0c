"""The pace at which decks are read: as recorded, at a given tempo, or all on one beat.

    /tempo 0 (as recorded)   a deck's own tempo at its corner, between decks between their tempi,
                             so that /interp moves tempo along with the rest
    /tempo 96                everything plays at 96 bpm

    /interp/align 1   decks of known tempo are read in beats: each at tempo / its own
    /interp/align 0   all decks are read at one pace, right for the one with the largest share

Double or half the tempo counts as the same, as any dancer counts: a deck of 160 bpm goes with one
of 80 unchanged, and none is stretched by more than the square root of 2. A deck of unknown tempo is
read at the plain pace. Where no tempo is known, ``/tempo`` has no effect.

An external clock (``/clock midi`` or ``link``) leads like another deck: with it, one deck is enough
to be read in beats, and jumps keep the beat.
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
    """The timing of a deck."""

    @property
    def ticks(self) -> int:
        """K: its length."""

    @property
    def beats(self) -> Beats | None:
        """Its beats, where they are known."""


@dataclass(frozen=True)
class DeckPace:
    """The pace of one deck in beats: its frames per frame at ``/speed`` 1 (N,), and its beats."""

    rates: Row
    beat_grid: BeatGrid


@dataclass(frozen=True)
class Pace:
    """The pace of N frames, at ``/speed`` 1.

    ``rates`` (N,) are frames of a deck per frame where it is read plainly, ``beats`` (N,) beats per
    frame. Where ``aligned`` (N,), the decks in ``deck_paces`` are read in beats, and where ``led``
    (N,), a clock leads; ``leader`` is the first of these decks, with its length in ticks.
    """

    tempo_bpm: Row
    rates: Row
    beats: Row
    aligned: NDArray[np.bool_]
    led: NDArray[np.bool_]
    deck_paces: Mapping[Beats, DeckPace]
    leader: tuple[int, Beats]


def pace_of(
    decks: Sequence[TimedDeck | None],
    weights: NDArray[np.floating],
    asked_bpm: Row,
    align: Row,
    clock: Row,
    frame_s: float,
) -> Pace | None:
    """Return the pace at which ``decks`` are read with ``weights`` (4,N); None: as recorded.

    ``asked_bpm`` (N,) is ``AS_RECORDED`` where no tempo is set, ``clock`` (N,) 0 where no clock is
    followed.
    """
    known = [(deck, deck.beats, weights[n]) for n, deck in enumerate(decks) if deck and deck.beats]
    if not known:
        return None
    tempi = {
        beats: _nearest_octave(beats.tempo_bpm, known[0][1].tempo_bpm) for _, beats, _ in known
    }
    own_bpm = _mixed_tempo(
        [tempi[beats] for _, beats, _ in known], np.array([w for _, _, w in known])
    )
    tempo_bpm = np.where(asked_bpm == AS_RECORDED, own_bpm, np.maximum(asked_bpm, SLOWEST_BPM))
    deck_paces = {
        beats: DeckPace(tempo_bpm / bpm, BeatGrid(beats.first_beat_s / frame_s, 60 / bpm / frame_s))
        for beats, bpm in tempi.items()
    }
    is_several = len({(deck.ticks, beats) for deck, beats, _ in known}) > 1
    return Pace(
        tempo_bpm=tempo_bpm,
        rates=tempo_bpm / own_bpm,
        beats=tempo_bpm / 60 * frame_s,
        aligned=(align > 0) & (is_several | (clock > 0)),
        led=(align > 0) & (clock > 0),
        deck_paces=deck_paces,
        leader=(known[0][0].ticks, known[0][1]),
    )


def _nearest_octave(tempo_bpm: float, like_bpm: float) -> float:
    """A tempo, doubled or halved until it is nearest to another.

    >>> _nearest_octave(160.0, 85.0), _nearest_octave(100.0, 120.0)
    (80.0, 100.0)
    """
    return float(tempo_bpm * 2.0 ** round(math.log2(like_bpm / tempo_bpm)))


def _mixed_tempo(tempi_bpm: Sequence[float], weights: NDArray[np.floating]) -> Row:
    """The tempo (N,) between several by their ``weights``; the first where all are zero."""
    weights = np.asarray(weights, np.float64).copy()
    weights[0] += weights.sum(axis=0) == 0
    logs = np.log(tempi_bpm)[:, None]
    tempo: Row = np.exp((weights * logs).sum(axis=0) / weights.sum(axis=0))
    # Exact to the bit where one plays alone, so that it is read as if there were no others.
    for bpm, weight in zip(tempi_bpm, weights, strict=True):
        tempo[weight == weights.sum(axis=0)] = bpm
    return tempo
