"""A deck's beats, and loops rounded to whole beats.

::

    deck     |. . 0 . . . 1 . . . 2 . . . 3 . . . 4 . .|      the cycle of a deck in beats begins
    cycle         |===============================|           at beat 0 and holds whole beats
    /loop 0.3 0.6           |-----------|
    in beats              |=======|                           2 beats, from beat 1

A loop shorter than a beat is rounded to a half, a quarter, an eighth... of one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

FINEST_BEATS = 1 / 64


@dataclass(frozen=True)
class BeatGrid:
    """A deck's beats in its own frames: beat n is at ``first_frames + n * beat_frames``."""

    first_frames: float
    beat_frames: float

    def beat_at(self, frames: float) -> float:
        """The beat at ``frames`` of the deck, with its fraction."""
        return (frames - self.first_frames) / self.beat_frames

    def cycle_frames(self, deck_frames: float) -> float:
        """The deck's length in whole beats: the rest is cut off, an almost whole beat filled up."""
        beats = round((deck_frames - self.first_frames) / self.beat_frames)
        return max(beats, 1) * self.beat_frames

    def wrap(self, frames: float, deck_frames: float) -> float:
        """``frames`` wrapped into the deck's whole beats."""
        return self.first_frames + (frames - self.first_frames) % self.cycle_frames(deck_frames)


def loop_in_beats(
    beat_grid: BeatGrid, deck_frames: float, start: float, end: float, shortest_frames: float
) -> tuple[float, float]:
    """Return first frame and length of a loop between two shares of a deck, in whole beats.

    The whole deck is its cycle, wherever it starts.
    """
    cycle_frames = beat_grid.cycle_frames(deck_frames)
    share = (end - start) % 1.0 or 1.0
    loop_frames = cycle_frames if share == 1.0 else share * deck_frames
    unit = _unit_beats(loop_frames / beat_grid.beat_frames, shortest_frames / beat_grid.beat_frames)
    unit_frames = unit * beat_grid.beat_frames
    length = min(max(round(loop_frames / unit_frames), 1) * unit_frames, cycle_frames)
    from_first = round((start * deck_frames - beat_grid.first_frames) / unit_frames) * unit_frames
    return beat_grid.first_frames + max(from_first, 0.0) % cycle_frames, length


def _unit_beats(beats: float, shortest_beats: float) -> float:
    """The unit for a loop of about ``beats``: one beat, or a power-of-two fraction of one."""
    if beats >= 1:
        return 1.0
    part = 2.0 ** round(math.log2(max(beats, shortest_beats, FINEST_BEATS)))
    return min(part if part >= shortest_beats else 2 * part, 1.0)
