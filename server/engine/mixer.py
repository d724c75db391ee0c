"""The mixer: style and structure of every frame, interpolated between up to four decks.

    a, b, c, d: style, structure --.-- style      at (interp/style, interp/y)
                                   '-- structure  at (interp/structure, interp/y)

An empty deck's corner plays its neighbour: the one beside it (a and b, c and d), else the one above
or below (a and c, b and d), else the one across. So with two decks, a and b, nothing depends on y.
Mixing happens in latent space, frame by frame; so does the crossfade to a deck that is loaded while
another one plays. A deck that is not encoded yet has no part in the latents; its recording plays
(``server.engine.detail``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from export.audio.arrays import Floats
from server.controls.addresses import DECKS
from server.engine.deck import DeckData
from server.engine.interpolation import shares, spherical
from server.engine.playhead import TimePositions, read_loop

CROSS_FADE_S = 0.05


@dataclass(frozen=True)
class MixedLatents:
    """The decoder's input: style (D,N) and structure (S,N)."""

    style: Floats
    structure: Floats

    def towards(self, other: MixedLatents, weight: Floats) -> MixedLatents:
        """Crossfade to ``other``: weight (N,) 0 is this one, 1 the other."""
        return MixedLatents(
            self.style * (1 - weight) + other.style * weight,
            self.structure * (1 - weight) + other.structure * weight,
        )


@dataclass(frozen=True, eq=False)
class DeckPart:
    """One deck's part in the mix of N frames: its shares of ``style`` and ``structure`` (N,),
    and its own latents; ``index`` is the deck onto which it is loaded."""

    index: int
    deck: DeckData
    style: Floats
    structure: Floats
    latents: MixedLatents

    def plus(self, other: DeckPart) -> DeckPart:
        """This deck's part and the same deck's at another corner."""
        return replace(
            self, style=self.style + other.style, structure=self.structure + other.structure
        )


@dataclass(frozen=True)
class Mix:
    """The decoder's input, and the parts of the decks in it."""

    latents: MixedLatents
    parts: Sequence[DeckPart]

    @property
    def structure_mean(self) -> Floats:
        """Mean of the decks' structure (S,N), by their shares."""
        means = [
            np.outer(part.deck.structure_mean, part.structure)
            for part in self.parts
            if part.deck.is_encoded
        ]
        return reduce(np.add, means, np.zeros_like(self.latents.structure))


@dataclass(frozen=True)
class MixPosition:
    """The interpolation controls of N frames: positions between the decks, each (N,) 0..1.

    ``curve`` mixes from the line (0) to the arc (1); ``tracks`` (4,N) mixes each deck's style from
    its mean (0) to its track (1).
    """

    style_x: NDArray[np.float64]
    structure_x: NDArray[np.float64]
    y: NDArray[np.float64]
    curve: NDArray[np.float64]
    tracks: NDArray[np.float64]


class Mixer:
    """The decks and their interpolation; ``mean`` (D,) is the middle of the style space."""

    def __init__(self, frame_s: float, mean: Floats) -> None:
        fade_frames = max(round(CROSS_FADE_S / frame_s), 1)
        self._mean = mean
        self._loaded: list[_LoadedDeck | None] = [None] * len(DECKS)
        self._slots = [_Slot(fade_frames) for _ in DECKS]

    @property
    def is_empty(self) -> bool:
        """True if no deck is loaded."""
        return not any(self._loaded)

    def deck(self, name: str) -> DeckData | None:
        """The deck loaded onto deck ``name``, if any."""
        loaded = self._loaded[DECKS.index(name)]
        return None if loaded is None else loaded.deck

    @property
    def corner_decks(self) -> Sequence[DeckData | None]:
        """The deck that plays at each corner, its own or a neighbour's; None if none is loaded."""
        return [None if self.is_empty else slot.deck for slot in self._slots]

    def put(self, name: str, deck: DeckData, fade: bool) -> None:
        """Load ``deck`` onto a deck; with ``fade``, crossfade from what played there."""
        fade = fade and not self.is_empty
        index = DECKS.index(name)
        self._loaded[index] = _LoadedDeck(index, deck)
        for corner, slot in enumerate(self._slots):
            slot.put(self._deck_at(corner), fade)

    def read(self, positions: TimePositions, position: MixPosition) -> Mix:
        """Return the latents of the N frames at ``positions``; at least one deck must be loaded."""
        weights = np.stack(
            [shares(position.style_x, position.y), shares(position.structure_x, position.y)]
        )
        corners = [
            slot.read(positions, position.tracks, weights[:, corner])
            for corner, slot in enumerate(self._slots)
        ]
        parts = _by_deck([corner.parts for corner in corners])
        latents = [corner.latents for corner in corners]
        if not all(latents):
            weights = _among([one is not None for one in latents], weights)
        if not any(latents):
            return Mix(parts[0].latents, parts)
        style_weights, structure_weights = weights
        mixed = MixedLatents(
            self._style([one.style if one else None for one in latents], style_weights, position),
            _weighted([one.structure if one else None for one in latents], structure_weights),
        )
        return Mix(mixed, parts)

    def structure_at(self, positions: TimePositions, x: float, y: float) -> Floats:
        """Return the decks' structure (S,N) at N places, without advancing their crossfades."""
        weights = shares(np.full(positions.size, x), np.full(positions.size, y))
        return _weighted(
            [
                read_loop(slot.deck.structure, positions, slot.deck.beats) if weight.any() else None
                for slot, weight in zip(self._slots, weights, strict=True)
            ],
            weights,
        )

    def _style(
        self, styles: Sequence[Floats | None], weights: Floats, position: MixPosition
    ) -> Floats:
        line = _weighted(styles, weights)
        if not position.curve.any():
            return line
        mean = np.broadcast_to(self._mean[:, None], line.shape)
        corners = [mean if style is None else style for style in styles]
        arc = spherical(corners, self._mean, position.style_x, position.y)
        return line + (arc - line) * position.curve.astype(np.float32)

    def _deck_at(self, corner: int) -> _LoadedDeck:
        """The deck that plays at a corner: its own or a neighbour's."""
        beside, below, across = corner ^ 1, corner ^ 2, corner ^ 3
        order = (self._loaded[index] for index in (corner, beside, below, across))
        return next(loaded for loaded in order if loaded is not None)


@dataclass(frozen=True, eq=False)
class _LoadedDeck:
    """A deck and the number of the deck onto which it is loaded."""

    index: int
    deck: DeckData

    def part(
        self, positions: TimePositions, tracks: NDArray[np.float64], weights: Floats
    ) -> DeckPart:
        """Its part with these shares (2,N) of style and structure."""
        return DeckPart(self.index, self.deck, weights[0], weights[1], self.read(positions, tracks))

    def read(self, positions: TimePositions, tracks: NDArray[np.float64]) -> MixedLatents:
        """Its latents at N places; its row of ``tracks`` (4,N) mixes its style."""
        mean = self.deck.style_mean[:, None]
        style = np.broadcast_to(mean, (mean.size, positions.size))
        share = tracks[self.index].astype(np.float32)
        if share.any():
            style = style + (self.deck.style_at(positions) - style) * share
        return MixedLatents(style, read_loop(self.deck.structure, positions, self.deck.beats))


@dataclass(frozen=True)
class _Corner:
    """One corner: latents, None where no deck there is encoded, and the decks."""

    latents: MixedLatents | None
    parts: Sequence[DeckPart]


class _Slot:
    """One corner: the deck that plays there, the one that fades out, and the rest of the fade."""

    def __init__(self, fade_frames: int) -> None:
        self._current: _LoadedDeck | None = None
        self._previous: _LoadedDeck | None = None
        self._fade_frames = fade_frames
        self._left_frames = 0

    @property
    def deck(self) -> DeckData:
        """The deck that plays here."""
        assert self._current is not None  # the mixer is not empty
        return self._current.deck

    def put(self, loaded: _LoadedDeck, fade: bool) -> None:
        """Replace the deck; with ``fade``, the previous one fades out within ``fade_frames``."""
        if loaded is self._current:
            return
        self._previous, self._current = self._current, loaded
        self._left_frames = self._fade_frames if fade else 0

    def read(
        self, positions: TimePositions, tracks: NDArray[np.float64], weights: Floats
    ) -> _Corner:
        """Return what plays here, where this corner's shares of style and structure are ``weights``
        (2,N); where it is not audible, only advance its crossfade."""
        assert self._current is not None
        if not weights.any():
            self._fade(positions.size)
            return _Corner(None, ())
        if self._left_frames == 0:
            part = self._current.part(positions, tracks, weights)
            return _Corner(part.latents if part.deck.is_encoded else None, (part,))
        assert self._previous is not None
        previous, share = self._previous, self._fade(positions.size)
        before = previous.part(positions, tracks, weights * (1 - share))
        part = self._current.part(positions, tracks, weights * share)
        return _Corner(_crossfaded(before, part, share), (before, part))

    def _fade(self, frames: int) -> Floats:
        """Advance the crossfade; return the weights (N,) of the current deck."""
        left = np.maximum(self._left_frames - np.arange(1, frames + 1), 0)
        self._left_frames = int(left[-1])
        if self._left_frames == 0:
            self._previous = None
        return (1 - left / self._fade_frames).astype(np.float32)


def _crossfaded(before: DeckPart, after: DeckPart, share: Floats) -> MixedLatents | None:
    """The latents from one deck to another, ``share`` (N,) 0..1; a deck without any has no part."""
    encoded = [part.latents for part in (before, after) if part.deck.is_encoded]
    return encoded[0].towards(encoded[-1], share) if encoded else None


def _by_deck(parts: Sequence[Sequence[DeckPart]]) -> Sequence[DeckPart]:
    """The parts of all corners, those of one deck together."""
    found: dict[int, DeckPart] = {}
    for part in chain.from_iterable(parts):
        key = id(part.deck)
        found[key] = found[key].plus(part) if key in found else part
    return list(found.values())


def _among(has_latents: Sequence[bool], weights: Floats) -> Floats:
    """Weights (2,4,N) among the corners that have latents; zero where only others play."""
    kept = weights * np.array(has_latents)[:, None]
    total = kept.sum(axis=1, keepdims=True)
    return np.asarray(np.where(total > 0, kept / np.maximum(total, 1e-9), kept), np.float32)


def _weighted(parts: Sequence[Floats | None], weights: Floats) -> Floats:
    """The sum of ``parts`` by their ``weights`` (4,N); None counts as zero."""
    audible: list[Floats] = [
        part * weight for part, weight in zip(parts, weights, strict=True) if part is not None
    ]
    return reduce(np.add, audible)
