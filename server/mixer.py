"""Decks A and B between the hands: style and structure of every frame, interpolated.

    A: style, structure --.
                           >-- style:     (1 - interp/style)     * A + interp/style     * B
    B: style, structure --'    structure: (1 - interp/structure) * A + interp/structure * B

The mixing is done in latent space, frame by frame; so is the cross-fade to a deck that was
loaded while another one played.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from server.deck import DeckData
from server.playhead import read_loop, ticks_at
from server.session import Floats

DECKS = ("a", "b")
CROSS_FADE_S = 0.05


@dataclass(frozen=True)
class Latent:
    """What the decoder reads: style (D,N) and structure (S,N)."""

    style: Floats
    structure: Floats

    def towards(self, other: Latent, style: Floats, structure: Floats) -> Latent:
        """Interpolated; weights (N,) of 0 are this one, of 1 the other."""
        return Latent(
            self.style * (1 - style) + other.style * style,
            self.structure * (1 - structure) + other.structure * structure,
        )


class Mixer:
    """The decks and what of them is heard."""

    def __init__(self, frames_per_tick: int, frame_s: float) -> None:
        self._frames_per_tick = frames_per_tick
        self._fade_frames = max(round(CROSS_FADE_S / frame_s), 1)
        self._slots = {name: _Slot(self._fade_frames) for name in DECKS}

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to play."""
        return all(slot.deck is None for slot in self._slots.values())

    def deck(self, name: str) -> DeckData | None:
        """What lies on deck ``name``."""
        return self._slots[name].deck

    def put(self, name: str, deck: DeckData, fade: bool) -> None:
        """Lay ``deck`` onto a deck; with ``fade`` from what was heard there before."""
        self._slots[name].put(deck, fade and not self.is_empty)

    def read(
        self,
        position_frames: NDArray[np.float64],
        interp_style: NDArray[np.float64],
        interp_structure: NDArray[np.float64],
    ) -> Latent:
        """Latents of the frames at ``position_frames`` (N,); at least one deck is loaded.

        An empty deck is heard as the other one, and a deck that was empty fades in from it.
        """
        ticks = ticks_at(position_frames, self._frames_per_tick)
        slots = list(self._slots.values())
        own = [None if slot.needs_another else slot.read(ticks) for slot in slots]
        other = next(latent for latent in own if latent is not None)
        a, b = (
            slot.read(ticks, other) if latent is None else latent
            for slot, latent in zip(slots, own, strict=True)
        )
        return a.towards(b, interp_style.astype(np.float32), interp_structure.astype(np.float32))


class _Slot:
    """One deck: what lies on it, what lay there before, and how much of that is still heard."""

    def __init__(self, fade_frames: int) -> None:
        self.deck: DeckData | None = None
        self._before: DeckData | None = None
        self._fade_frames = fade_frames
        self._left_frames = 0

    @property
    def needs_another(self) -> bool:
        """Whether what is heard here is, or still partly is, the other deck."""
        return self.deck is None or (self._left_frames > 0 and self._before is None)

    def put(self, deck: DeckData, fade: bool) -> None:
        """Replace the deck; with ``fade`` the one before goes within ``fade_frames``."""
        self._before, self.deck = self.deck, deck
        self._left_frames = self._fade_frames if fade else 0

    def read(self, ticks: NDArray[np.float64], other: Latent | None = None) -> Latent:
        """Latents at ``ticks`` (N,); ``other`` is heard where nothing lies or lay."""
        before = other if self._before is None else _columns(self._before, ticks)
        if self.deck is None:
            assert other is not None
            return other
        now = _columns(self.deck, ticks)
        if self._left_frames == 0:
            return now
        assert before is not None
        return before.towards(now, *[self._fade(ticks.size)] * 2)

    def _fade(self, frames: int) -> Floats:
        """Weights (N,) of the present deck."""
        left = np.maximum(self._left_frames - np.arange(1, frames + 1), 0)
        self._left_frames = int(left[-1])
        if self._left_frames == 0:
            self._before = None
        return (1 - left / self._fade_frames).astype(np.float32)


def _columns(deck: DeckData, ticks: NDArray[np.float64]) -> Latent:
    style = np.broadcast_to(deck.style_mean[:, None], (deck.style_mean.size, ticks.size))
    return Latent(style, read_loop(deck.structure, ticks))
