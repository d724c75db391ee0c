"""One head of the playhead: where decks of one length and beat are read, and how it leaps."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from server.engine.beat_grid import BeatGrid, loop_in_beats

FADE_FRAMES = 2
"""Structure glides this long from one place to another."""

SHORTEST_LOOP_FRAMES = 4.0
"""Less would leap again while it still fades."""

OFF_BEAT = 1e-4
"""Of a beat; further off, an aligned deck leaps to where it should be. Rounding is far less."""
OFF_PLACE_FRAMES = 1e-6


@dataclass(frozen=True)
class HeadStep:
    """One frame of a head: a step behind it, the loop, a jump to a share of it or to so many
    ``frames`` behind its start, each NaN where there is none, beats where it has to keep them."""

    step: float
    start: float
    end: float
    jump: float
    frames: float
    grid: BeatGrid | None

    @property
    def is_jump(self) -> bool:
        """Whether the frame begins at another share of the loop."""
        return not math.isnan(self.jump)


@dataclass(frozen=True)
class HeadPositions:
    """One head in one block: frames of the deck (N,) from its start, and its loop (N,)."""

    frames: NDArray[np.float64]
    before_frames: NDArray[np.float64]
    weight: NDArray[np.float64]
    loop_start: NDArray[np.float64]
    loop_frames: NDArray[np.float64]


@dataclass(frozen=True)
class HeadState:
    """All that a ``ReadHead`` remembers, as plain values; ``loop`` is start, end and beats."""

    deck_frames: float
    loop: tuple[float, float, BeatGrid | None]
    inside: float
    before: float
    faded: int


class ReadHead:
    """Where decks of one length and beat are read, in frames from the loop's start."""

    def __init__(self, deck_frames: float, first: HeadStep) -> None:
        self._deck_frames = deck_frames
        self._loop = (first.start, first.end, first.grid)
        self._start, self._length = self._bounds(*self._loop)
        self._inside = 0.0
        self._before = 0.0
        self._faded = FADE_FRAMES

    @property
    def share_of_loop(self) -> float:
        """Where it is, 0..1 of its loop."""
        return self._inside / self._length

    @property
    def beats_of_loop(self) -> tuple[float, float] | None:
        """Where it is in its loop, and how long that is, in beats; None where it keeps none."""
        grid = self._loop[2]
        if grid is None:
            return None
        return self._inside / grid.beat_frames, self._length / grid.beat_frames

    def copy(self) -> ReadHead:
        """Another one at the same place."""
        return copy.copy(self)

    @property
    def state(self) -> HeadState:
        """All that ``restored`` needs to make a head at the same place."""
        return HeadState(self._deck_frames, self._loop, self._inside, self._before, self._faded)

    @classmethod
    def restored(cls, state: HeadState) -> ReadHead:
        """Return a head that goes on from ``state``."""
        start, end, grid = state.loop
        head = cls(state.deck_frames, HeadStep(0.0, start, end, math.nan, math.nan, grid))
        head._inside, head._before, head._faded = state.inside, state.before, state.faded
        return head

    def place(self, share: float, moved: float) -> None:
        """Begin behind ``share`` of the loop, by so many frames; beats where it keeps them."""
        grid = self._loop[2]
        moved_frames = moved if grid is None else moved * grid.beat_frames
        self._inside = (share * self._length + moved_frames) % self._length

    def advance(self, moves: Iterable[HeadStep], beats: Iterable[float | None]) -> HeadPositions:
        """The places of the next N frames, on the ``beats`` that others keep."""
        rows = [self.frame(moved, beat) for moved, beat in zip(moves, beats, strict=True)]
        return HeadPositions(*np.array(rows, np.float64).reshape(-1, 5).T)

    def frame(self, moved: HeadStep, beat: float | None) -> tuple[float, ...]:
        """The place of one frame, on the ``beat`` that others keep, and a step on."""
        if (moved.start, moved.end, moved.grid) != self._loop:
            self._follow_loop((moved.start, moved.end, moved.grid))
        if moved.is_jump:
            self._leap(moved.jump * self._length % self._length)
        if not math.isnan(moved.frames):
            self._leap(moved.frames % self._length)
        self.keep(beat)
        weight = min((self._faded + 1) / FADE_FRAMES, 1.0)
        row = (self._here, self._before, weight, self._start, self._length)
        self._faded = min(self._faded + 1, FADE_FRAMES)
        self._before += moved.step
        self._move(self._inside + moved.step)
        return row

    def keep(self, beat: float | None) -> None:
        """Leap to the nearest place at which it is the same part of a beat, if it is not."""
        grid = self._loop[2]
        if grid is None or beat is None:
            return
        unit = min(self._length / grid.beat_frames, 1.0)
        error = (beat - grid.beat_at(self._here) + unit / 2) % unit - unit / 2
        if abs(error) > OFF_BEAT:
            self._leap((self._inside + error * grid.beat_frames) % self._length)

    @property
    def _here(self) -> float:
        """The place on the deck, in frames; behind its end comes its start."""
        here, grid = self._start + self._inside, self._loop[2]
        return here if grid is None else grid.on_circle(here, self._deck_frames)

    def _follow_loop(self, loop: tuple[float, float, BeatGrid | None]) -> None:
        """The same place seen from a new loop; a leap if it is outside."""
        here, grid = self._here, loop[2]
        self._loop = loop
        self._start, self._length = self._bounds(*loop)
        around = grid.circle_frames(self._deck_frames) if grid else self._deck_frames
        self._inside = (here - self._start) % around
        if self._inside >= self._length or (grid and abs(self._here - here) > OFF_PLACE_FRAMES):
            self._leap_from(here, self._inside % self._length)

    def _move(self, inside: float) -> None:
        """To ``inside``, and around where that is over the loop's border."""
        wrapped = inside % self._length
        is_seamless = wrapped == inside or self._length == self._deck_frames
        if is_seamless:
            self._inside = wrapped
        else:
            self._leap_from(self._start + inside, wrapped)

    def _leap(self, inside: float) -> None:
        self._leap_from(self._here, inside)

    def _leap_from(self, before: float, inside: float) -> None:
        if self._faded:  # else it has leapt already, and what is heard is where it was before
            self._before = before
        self._inside, self._faded = inside, 0

    def _bounds(self, start: float, end: float, grid: BeatGrid | None) -> tuple[float, float]:
        """First frame and length of a loop between two shares of the deck."""
        if grid is not None:
            return loop_in_beats(grid, self._deck_frames, start, end, SHORTEST_LOOP_FRAMES)
        share = (end - start) % 1.0 or 1.0
        length = min(max(share * self._deck_frames, SHORTEST_LOOP_FRAMES), self._deck_frames)
        return start * self._deck_frames, length
