"""The layers of a block: how much of each deck's detail sounds, and how far it has been moved.

    detail  = /detail x /deck/x/detail x what is left between decks x what /generate leaves
    moved   = distance of what is decoded from the deck's own latents, in spreads

Between decks the network leads: full detail of two recordings would be little more than a
crossfade. The decoder remembers for a while, so a distance is forgotten as slowly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from export.audio.arrays import Floats
from export.bundle.format import StyleStatistics
from server.engine.head import FADE_FRAMES
from server.engine.layer import Layer
from server.engine.magnitudes import change_share
from server.engine.mixer import DeckPart, MixedLatents
from server.engine.playhead import DeckReading, TimePositions, frames_at

MEMORY_S = 0.15
"""Time constant with which a distance of the latents is forgotten."""
_STRUCTURE_SPREADS = 2.0
"""One unit of structure's mean deviation in spreads of style."""
_SMALLEST_SPREAD = 1e-6
_NOTHING = 1e-4
"""A smaller distance is rounding."""


@dataclass(frozen=True)
class DetailPosition:
    """The detail controls of N frames, each 0..1: of all (N,), of each deck (4,N), ``between``
    (N,) and the share that is generated (N,)."""

    detail: NDArray[np.float64]
    decks: NDArray[np.float64]
    between: NDArray[np.float64]
    generated: NDArray[np.float64]


class Layers:
    """Makes the layers of each block."""

    def __init__(self, latents: StyleStatistics, frame_s: float, frames_per_tick: int) -> None:
        self._to_spreads = latents.rotation / np.maximum(latents.spread, _SMALLEST_SPREAD)[:, None]
        self._frames_per_tick = frames_per_tick
        self._keep = float(np.exp(-frame_s / MEMORY_S))
        self._moved: dict[int, float] = {}

    def of(
        self,
        parts: Sequence[DeckPart],
        decoded: MixedLatents,
        positions: TimePositions,
        position: DetailPosition,
    ) -> list[Layer]:
        """Return the layers of the decks in the mix, when ``decoded`` is what sounds."""
        left = _left_between(parts, position.between) * (1 - position.generated) * position.detail
        layers = []
        for part in parts:
            detail = left * position.decks[part.index]
            counts = change_share(self._moved_by(part, decoded))
            if not part.deck.is_encoded:
                detail, counts = np.ones_like(left), np.zeros_like(counts)
            reading = positions.on(part.deck.ticks, part.deck.beats)
            layers.append(
                Layer(
                    part.deck,
                    part.structure,
                    part.style,
                    frames_at(reading.ticks, self._frames_per_tick),
                    detail.astype(np.float32),
                    counts,
                    _jumps(reading),
                )
            )
        kept = {id(part.deck) for part in parts}
        self._moved = {key: moved for key, moved in self._moved.items() if key in kept}
        return layers

    def _moved_by(self, part: DeckPart, decoded: MixedLatents) -> Floats:
        """Distance (N,) of what is decoded from a deck's own latents, lately."""
        style = self._to_spreads @ (decoded.style - part.latents.style)
        structure = np.abs(decoded.structure - part.latents.structure).mean(axis=0)
        now = np.linalg.norm(style, axis=0) + _STRUCTURE_SPREADS * structure
        now[now < _NOTHING] = 0
        moved = np.empty_like(now)
        last = self._moved.get(id(part.deck), 0.0)
        for n, distance in enumerate(now.tolist()):
            last = max(distance, last * self._keep if last > _NOTHING else 0.0)
            moved[n] = last
        self._moved[id(part.deck)] = last
        return np.asarray(moved, np.float32)


def _jumps(reading: DeckReading) -> NDArray[np.bool_]:
    """The frames (N,) that begin at another place than where the one before led."""
    if reading.weight is None:
        return np.zeros(reading.ticks.size, np.bool_)
    jumps: NDArray[np.bool_] = reading.weight <= 1 / FADE_FRAMES
    return jumps


def _left_between(parts: Sequence[DeckPart], between: NDArray[np.float64]) -> NDArray[np.float64]:
    """How much detail is left (N,): all where one deck gives the structure, ``between`` (N,) where
    the largest share is a half or less."""
    shares = np.zeros((max(part.index for part in parts) + 1, between.size))
    for part in parts:
        shares[part.index] += part.structure
    near = np.clip(2 * shares.max(axis=0) - 1, 0, 1)
    left: NDArray[np.float64] = between + (1 - between) * near * near * (3 - 2 * near)
    return left
