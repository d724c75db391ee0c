"""Loops in whole beats: where a deck's beats are, and a loop laid onto them.

::

    deck     |. . 0 . . . 1 . . . 2 . . . 3 . . . 4 . .|      the circle of a deck in beats begins
    circle        |===============================|           at beat 0 and holds whole beats
    /loop 0.3 0.6           |-----------|
    in beats              |=======|                           2 beats, from beat 1

A loop shorter than a beat is the nearest half, quarter, eighth... of one.
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
        """Which beat it is at ``frames`` of the deck, with its fraction."""
        return (frames - self.first_frames) / self.beat_frames

    def circle_frames(self, deck_frames: float) -> float:
        """The deck's whole beats: what is left at its end is cut, or a beat nearly whole filled."""
        beats = round((deck_frames - self.first_frames) / self.beat_frames)
        return max(beats, 1) * self.beat_frames

    def on_circle(self, frames: float, deck_frames: float) -> float:
        """The same place within the deck's whole beats."""
        return self.first_frames + (frames - self.first_frames) % self.circle_frames(deck_frames)


def loop_in_beats(
    grid: BeatGrid, deck_frames: float, start: float, end: float, shortest_frames: float
) -> tuple[float, float]:
    """First frame and length of the loop between two shares of a deck, in whole beats.

    The whole deck is its circle, wherever it starts.
    """
    circle = grid.circle_frames(deck_frames)
    share = (end - start) % 1.0 or 1.0
    wanted = circle if share == 1.0 else share * deck_frames
    unit = _unit_beats(wanted / grid.beat_frames, shortest_frames / grid.beat_frames)
    unit_frames = unit * grid.beat_frames
    length = min(max(round(wanted / unit_frames), 1) * unit_frames, circle)
    from_first = round((start * deck_frames - grid.first_frames) / unit_frames) * unit_frames
    return grid.first_frames + max(from_first, 0.0) % circle, length


def _unit_beats(beats: float, shortest_beats: float) -> float:
    """What a loop of about so many ``beats`` is a whole number of: one beat, or a part of it."""
    if beats >= 1:
        return 1.0
    part = 2.0 ** round(math.log2(max(beats, shortest_beats, FINEST_BEATS)))
    return min(part if part >= shortest_beats else 2 * part, 1.0)
