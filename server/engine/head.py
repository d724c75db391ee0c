"""A read head: the place at which decks of one length and beat are read, and how it jumps."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from server.engine.beat_grid import BeatGrid, loop_in_beats

FADE_FRAMES = 2
"""Structure crossfades this long from one place to another."""

SHORTEST_LOOP_FRAMES = 4.0
"""A shorter loop would jump again during the crossfade."""

OFF_BEAT = 1e-4
"""In beats; further off, an aligned deck jumps to its place. Rounding errors are far smaller."""
OFF_PLACE_FRAMES = 1e-6


@dataclass(frozen=True)
class HeadStep:
    """One frame of a read head.

    ``step`` is how far it moves after the frame, ``start`` and ``end`` are the loop in shares of
    the deck. ``jump`` is a share of the loop to begin the frame at, ``frames`` a place in frames
    after the loop's start; each is NaN where there is none. ``beat_grid`` is None where the head
    keeps no beats.
    """

    step: float
    start: float
    end: float
    jump: float
    frames: float
    beat_grid: BeatGrid | None

    @property
    def is_jump(self) -> bool:
        """True if the frame begins at another share of the loop."""
        return not math.isnan(self.jump)


@dataclass(frozen=True)
class HeadPositions:
    """The places of one head in one block: frames (N,) from the deck's start, and its loop (N,)."""

    frames: NDArray[np.float64]
    previous_frames: NDArray[np.float64]
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
    """The place at which decks of one length and beat are read, in frames from the loop's start."""

    def __init__(self, deck_frames: float, first: HeadStep) -> None:
        self._deck_frames = deck_frames
        self._loop = (first.start, first.end, first.beat_grid)
        self._start, self._length = self._bounds(*self._loop)
        self._inside = 0.0
        self._previous = 0.0
        self._faded = FADE_FRAMES

    @property
    def share_of_loop(self) -> float:
        """Its place, 0..1 of its loop."""
        return self._inside / self._length

    @property
    def beats_of_loop(self) -> tuple[float, float] | None:
        """Its place in its loop and the loop's length, in beats; None where it keeps no beats."""
        beat_grid = self._loop[2]
        if beat_grid is None:
            return None
        return self._inside / beat_grid.beat_frames, self._length / beat_grid.beat_frames

    def place(self, share: float, distance: float) -> None:
        """Start ``distance`` after ``share`` of the loop; in beats if it keeps them, or frames."""
        beat_grid = self._loop[2]
        distance_frames = distance if beat_grid is None else distance * beat_grid.beat_frames
        self._inside = (share * self._length + distance_frames) % self._length

    @property
    def state(self) -> HeadState:
        """All that ``restored`` needs to make a head at the same place."""
        return HeadState(self._deck_frames, self._loop, self._inside, self._previous, self._faded)

    @classmethod
    def restored(cls, state: HeadState) -> ReadHead:
        """Return a head that goes on from ``state``."""
        start, end, grid = state.loop
        head = cls(state.deck_frames, HeadStep(0.0, start, end, math.nan, math.nan, grid))
        head._inside, head._previous, head._faded = state.inside, state.before, state.faded
        return head

    def advance(self, steps: Iterable[HeadStep], beats: Iterable[float | None]) -> HeadPositions:
        """Move through N frames, keeping the common ``beats``; return their places."""
        rows = [self.frame(step, beat) for step, beat in zip(steps, beats, strict=True)]
        return HeadPositions(*np.array(rows, np.float64).reshape(-1, 5).T)

    def frame(self, step: HeadStep, beat: float | None) -> tuple[float, ...]:
        """Return the place of one frame, at the common ``beat``, and move on."""
        if (step.start, step.end, step.beat_grid) != self._loop:
            self._follow_loop((step.start, step.end, step.beat_grid))
        if step.is_jump:
            self._jump(step.jump * self._length % self._length)
        if not math.isnan(step.frames):
            self._jump(step.frames % self._length)
        self.keep(beat)
        weight = min((self._faded + 1) / FADE_FRAMES, 1.0)
        row = (self._here, self._previous, weight, self._start, self._length)
        self._faded = min(self._faded + 1, FADE_FRAMES)
        self._previous += step.step
        self._move(self._inside + step.step)
        return row

    def keep(self, beat: float | None) -> None:
        """Jump to the nearest place at the same part of ``beat``, unless it is there."""
        beat_grid = self._loop[2]
        if beat_grid is None or beat is None:
            return
        unit = min(self._length / beat_grid.beat_frames, 1.0)
        error = (beat - beat_grid.beat_at(self._here) + unit / 2) % unit - unit / 2
        if abs(error) > OFF_BEAT:
            self._jump((self._inside + error * beat_grid.beat_frames) % self._length)

    @property
    def _here(self) -> float:
        """The place on the deck, in frames; its start follows its end."""
        here, beat_grid = self._start + self._inside, self._loop[2]
        return here if beat_grid is None else beat_grid.wrap(here, self._deck_frames)

    def _follow_loop(self, loop: tuple[float, float, BeatGrid | None]) -> None:
        """Keep the same place in a new loop; jump if it is outside."""
        here, beat_grid = self._here, loop[2]
        self._loop = loop
        self._start, self._length = self._bounds(*loop)
        deck_frames = self._deck_frames
        cycle_frames = beat_grid.cycle_frames(deck_frames) if beat_grid else deck_frames
        self._inside = (here - self._start) % cycle_frames
        is_outside = self._inside >= self._length
        if is_outside or (beat_grid and abs(self._here - here) > OFF_PLACE_FRAMES):
            self._jump_from(here, self._inside % self._length)

    def _move(self, inside: float) -> None:
        """Move to ``inside``, wrapped at the loop's border."""
        wrapped = inside % self._length
        is_seamless = wrapped == inside or self._length == self._deck_frames
        if is_seamless:
            self._inside = wrapped
        else:
            self._jump_from(self._start + inside, wrapped)

    def _jump(self, inside: float) -> None:
        self._jump_from(self._here, inside)

    def _jump_from(self, previous: float, inside: float) -> None:
        if self._faded:  # else it has just jumped: keep fading from the place before that
            self._previous = previous
        self._inside, self._faded = inside, 0

    def _bounds(self, start: float, end: float, beat_grid: BeatGrid | None) -> tuple[float, float]:
        """The first frame and the length of a loop between two shares of the deck."""
        if beat_grid is not None:
            return loop_in_beats(beat_grid, self._deck_frames, start, end, SHORTEST_LOOP_FRAMES)
        share = (end - start) % 1.0 or 1.0
        length = min(max(share * self._deck_frames, SHORTEST_LOOP_FRAMES), self._deck_frames)
        return start * self._deck_frames, length
