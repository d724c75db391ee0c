"""What lies on a deck: one sequence of music as latents, ready to be read at any frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from export.bundle import BundleDeck
from export.sequence import Sequence


@dataclass(frozen=True, kw_only=True)
class DeckData(Sequence):
    """A loop of music as latents, and what it is called."""

    name: str

    @property
    def ticks(self) -> int:
        """K: the loop's length in ticks."""
        return int(self.structure.shape[1])


def library_deck(stored: BundleDeck) -> DeckData:
    """A ready-made sequence of the bundle as a deck."""
    return DeckData(
        name=stored.slug,
        style_mean=stored.style_mean,
        style_track=stored.style_track,
        style_ticks=stored.style_ticks,
        structure=np.asarray(stored.structure, np.float32),
        gain_db=stored.gain_db,
        seconds=stored.seconds,
    )
