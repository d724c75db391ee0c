"""Up to four decks between the hands: style and structure of every frame, interpolated.

    a, b, c, d: style, structure --.-- style      at (interp/style, interp/y)
                                   '-- structure  at (interp/structure, interp/y)

A deck on which nothing lies is heard as its neighbour: the one beside it (a and b, c and d), else
the one above or below (a and c, b and d), else the one across. So with two decks, a and b, nothing
depends on y. The mixing is done in latent space, frame by frame; so is the cross-fade to a deck
that was loaded while another one played.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from server.controls.addresses import DECKS
from server.engine.deck import DeckData
from server.engine.interpolation import shares, spherical
from server.engine.playhead import TimePositions, read_loop
from server.system.arrays import Floats

CROSS_FADE_S = 0.05


@dataclass(frozen=True)
class MixedLatents:
    """What the decoder reads: style (D,N) and structure (S,N)."""

    style: Floats
    structure: Floats

    def towards(self, other: MixedLatents, weight: Floats) -> MixedLatents:
        """Cross-faded; weights (N,) of 0 are this one, of 1 the other."""
        return MixedLatents(
            self.style * (1 - weight) + other.style * weight,
            self.structure * (1 - weight) + other.structure * weight,
        )


@dataclass(frozen=True)
class MixPosition:
    """What the hands say of N frames: positions between the decks, each (N,) 0..1.

    ``curve`` is how much of the arc is taken instead of the line, ``tracks`` (4,N) how much of
    each deck's style is read from its track instead of its mean.
    """

    style_x: NDArray[np.float64]
    structure_x: NDArray[np.float64]
    y: NDArray[np.float64]
    curve: NDArray[np.float64]
    tracks: NDArray[np.float64]


class Mixer:
    """The decks and what of them is heard; ``mean`` (D,) is the middle of the style space."""

    def __init__(self, frame_s: float, mean: Floats) -> None:
        fade_frames = max(round(CROSS_FADE_S / frame_s), 1)
        self._mean = mean
        self._lying: list[_LoadedDeck | None] = [None] * len(DECKS)
        self._slots = [_Slot(fade_frames) for _ in DECKS]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to play."""
        return not any(self._lying)

    def deck(self, name: str) -> DeckData | None:
        """What lies on deck ``name``."""
        lying = self._lying[DECKS.index(name)]
        return None if lying is None else lying.deck

    @property
    def heard(self) -> Sequence[DeckData | None]:
        """What is heard at each corner, its own deck or a neighbour's; None before anything is."""
        return [None if self.is_empty else slot.deck for slot in self._slots]

    def put(self, name: str, deck: DeckData, fade: bool) -> None:
        """Lay ``deck`` onto a deck; with ``fade`` from what was heard there before."""
        fade = fade and not self.is_empty
        index = DECKS.index(name)
        self._lying[index] = _LoadedDeck(index, deck)
        for place, slot in enumerate(self._slots):
            slot.put(self._heard_at(place), fade)

    def read(self, where: TimePositions, hands: MixPosition) -> MixedLatents:
        """Latents of the N frames at ``where``; at least one deck is loaded."""
        of_style, of_structure = (shares(x, hands.y) for x in (hands.style_x, hands.structure_x))
        latents = [
            slot.read(where, hands.tracks, is_heard=bool((style + structure).any()))
            for slot, style, structure in zip(self._slots, of_style, of_structure, strict=True)
        ]
        return MixedLatents(
            self._style([one.style if one else None for one in latents], of_style, hands),
            _weighted([one.structure if one else None for one in latents], of_structure),
        )

    def structure_at(self, where: TimePositions, x: float, y: float) -> Floats:
        """Structure (S,N) of the decks at N places, without moving their cross-fades."""
        weights = shares(np.full(where.size, x), np.full(where.size, y))
        return _weighted(
            [
                read_loop(slot.deck.structure, where, slot.deck.beats) if weight.any() else None
                for slot, weight in zip(self._slots, weights, strict=True)
            ],
            weights,
        )

    def _style(
        self, styles: Sequence[Floats | None], weights: Floats, hands: MixPosition
    ) -> Floats:
        line = _weighted(styles, weights)
        if not hands.curve.any():
            return line
        middle = np.broadcast_to(self._mean[:, None], line.shape)
        corners = [middle if style is None else style for style in styles]
        arc = spherical(corners, self._mean, hands.style_x, hands.y)
        return line + (arc - line) * hands.curve.astype(np.float32)

    def _heard_at(self, place: int) -> _LoadedDeck:
        """What is heard at a corner: its own deck or a neighbour's."""
        beside, below, across = place ^ 1, place ^ 2, place ^ 3
        order = (self._lying[index] for index in (place, beside, below, across))
        return next(lying for lying in order if lying is not None)


@dataclass(frozen=True, eq=False)
class _LoadedDeck:
    """A deck and where it lies."""

    place: int
    deck: DeckData

    def read(self, where: TimePositions, tracks: NDArray[np.float64]) -> MixedLatents:
        """Its latents at N places, its style by its own row of ``tracks`` (4,N)."""
        mean = self.deck.style_mean[:, None]
        style = np.broadcast_to(mean, (mean.size, where.size))
        share = tracks[self.place].astype(np.float32)
        if share.any():
            style = style + (self.deck.style_at(where) - style) * share
        return MixedLatents(style, read_loop(self.deck.structure, where, self.deck.beats))


class _Slot:
    """One corner: what is heard there, what was before, and how much of that still is."""

    def __init__(self, fade_frames: int) -> None:
        self._now: _LoadedDeck | None = None
        self._before: _LoadedDeck | None = None
        self._fade_frames = fade_frames
        self._left_frames = 0

    @property
    def deck(self) -> DeckData:
        """What is heard here."""
        assert self._now is not None  # the mixer is not empty
        return self._now.deck

    def put(self, lying: _LoadedDeck, fade: bool) -> None:
        """Replace what is heard; with ``fade`` the one before goes within ``fade_frames``."""
        if lying is self._now:
            return
        self._before, self._now = self._now, lying
        self._left_frames = self._fade_frames if fade else 0

    def read(
        self, where: TimePositions, tracks: NDArray[np.float64], is_heard: bool
    ) -> MixedLatents | None:
        """Latents at N places; where it is not heard, only its cross-fade goes on."""
        assert self._now is not None
        if not is_heard:
            self._fade(where.size)
            return None
        now = self._now.read(where, tracks)
        if self._left_frames == 0:
            return now
        assert self._before is not None
        before = self._before.read(where, tracks)
        return before.towards(now, self._fade(where.size))

    def _fade(self, frames: int) -> Floats:
        """Weights (N,) of the present deck."""
        left = np.maximum(self._left_frames - np.arange(1, frames + 1), 0)
        self._left_frames = int(left[-1])
        if self._left_frames == 0:
            self._before = None
        return (1 - left / self._fade_frames).astype(np.float32)


def _weighted(parts: Sequence[Floats | None], weights: Floats) -> Floats:
    """The sum of ``parts`` by their ``weights`` (4,N); those that are None weigh nothing."""
    heard: list[Floats] = [
        part * weight for part, weight in zip(parts, weights, strict=True) if part is not None
    ]
    return reduce(np.add, heard)
