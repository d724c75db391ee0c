"""Where in time the decks are read: one position in frames, which every deck wraps by itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from server.session import Floats


class Playhead:
    """Counts frames since position 0; runs at one frame a frame.

    The count is not wrapped here: decks of different length loop each at its own.
    """

    def __init__(self) -> None:
        self.position_frames = 0

    def advance(self, frames: int) -> NDArray[np.float64]:
        """Positions (N,) of the next ``frames`` frames; the playhead moves behind them."""
        start = self.position_frames
        self.position_frames = start + frames
        return np.arange(start, start + frames, dtype=np.float64)

    def rewind(self) -> None:
        """Back to position 0."""
        self.position_frames = 0


def ticks_at(position_frames: NDArray[np.float64], frames_per_tick: int) -> NDArray[np.float64]:
    """Fractional ticks (N,) at positions in frames; tick 0 may be undercut by half a tick.

    Tick k is centred between the frames it was made from, as in ``model.decoder``::

        frames   |  0  |  1  |  2  |  3  |        tick = (frame + 1/2) / frames_per_tick - 1/2
        ticks    |     0     |     1     |
    """
    return (position_frames + 0.5) / frames_per_tick - 0.5


def read_loop(track: Floats, ticks: NDArray[np.float64]) -> Floats:
    """Columns (S, N) of a looped track (S, K) at fractional ticks, linear between neighbours.

    After the last tick comes the first again, so the seam is as smooth as any other place.
    """
    length = track.shape[1]
    below = np.floor(ticks)
    weight = (ticks - below).astype(np.float32)
    left = below.astype(np.int64) % length
    right = (left + 1) % length
    return track[:, left] * (1 - weight) + track[:, right] * weight
