"""Where in time the decks are read: one hand, and on each deck a head that loops at its own length.

Speed, freeze, jumps and loop points are one for all decks. Where that is differs with a deck's
length, for loop points and jumps are shares of it: each deck loops its own part, like tracks of a
sampler that are started together. A loop that ends before it starts goes on over the deck's end,
and one that ends where it starts is the whole deck::

    /loop 0.25 0.75   |    [=======]    |      /loop 0.75 0.25   |====]       [====|

A head that is outside of a new loop is folded into it by whole lengths, so halving a loop keeps the
beat. Where a head leaps, at a jump or at a loop's border, the two places are cross-faded within
``FADE_FRAMES``; the place before goes on being read beyond the border for as long. The whole deck's
own seam needs none: after its last tick comes its first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from server.session import Floats

FADE_FRAMES = 2
"""Structure glides this long from one place to another."""

SHORTEST_LOOP_FRAMES = 4.0
"""Less would leap again while it still fades."""

MAX_HEADS = 32
"""Lengths of decks whose heads are remembered."""


@dataclass(frozen=True)
class Motion:
    """What the hands do to the playhead in a block, frame by frame, each (N,).

    ``steps`` is how many frames it moves on behind each, ``loop_start`` and ``loop_end`` are
    shares of a deck, ``jumps`` shares of the loop to begin a frame at, NaN where there is none.
    """

    steps: NDArray[np.float64]
    loop_start: NDArray[np.float64]
    loop_end: NDArray[np.float64]
    jumps: NDArray[np.float64]

    def frames(self) -> Iterator[tuple[float, float, float, float]]:
        """Step, loop start, loop end and jump of each frame."""
        rows = (self.steps, self.loop_start, self.loop_end, self.jumps)
        return zip(*(row.tolist() for row in rows), strict=True)


@dataclass(frozen=True)
class Reading:
    """Fractional ticks (N,) at which a deck is read.

    Where a head leaps, ``before`` is where it would be without that, and ``weight`` (N,) is how
    much of the new place is heard; None where nothing leaps.
    """

    ticks: NDArray[np.float64]
    before: NDArray[np.float64] | None = None
    weight: Floats | None = None


class Where(Protocol):
    """Places in time for decks of any length."""

    @property
    def size(self) -> int:
        """N: how many."""

    def on(self, deck_ticks: int) -> Reading:
        """The same places on a deck of so many ticks (K)."""


class Playhead:
    """Moves the heads of all decks; runs at one frame a frame until it is told otherwise."""

    def __init__(self, frames_per_tick: int) -> None:
        self.position_frames = 0.0
        """Frames played, backwards less; not wrapped, and not moved by jumps."""
        self._frames_per_tick = frames_per_tick
        self._heads: dict[int, _Head] = {}
        # Where a deck of a length that is new comes in: as if it had been there since the jump.
        self._jumped_to = 0.0
        self._jumped_at_frames = 0.0

    def begin_at(self, share: float) -> None:
        """Begin at ``share`` 0..1 of the loop; before the first block."""
        self._jumped_to = share

    def advance(self, motion: Motion) -> Positions:
        """The places of the next N frames."""
        places = {ticks: head.advance(motion) for ticks, head in self._heads.items()}
        new_head = _Newcomer(self._jumped_to, self.position_frames - self._jumped_at_frames)
        frames = []
        for step, _, _, jump in motion.frames():
            if not math.isnan(jump):
                self._jumped_to, self._jumped_at_frames = jump, self.position_frames
            frames.append(self.position_frames)
            self.position_frames += step

        def place(deck_ticks: int) -> _Places:
            if deck_ticks not in places:
                head = new_head.on(deck_ticks * self._frames_per_tick, motion)
                places[deck_ticks] = head.advance(motion)
                self._remember(deck_ticks, head)
            return places[deck_ticks]

        return Positions(np.array(frames), self._frames_per_tick, place)

    def share_of_loop(self, deck_ticks: int) -> float:
        """Where the head of decks of so many ticks is, 0..1 of its loop; from any thread."""
        head = self._heads.get(deck_ticks)
        return self._jumped_to % 1.0 if head is None else head.share_of_loop

    def _remember(self, deck_ticks: int, head: _Head) -> None:
        if len(self._heads) >= MAX_HEADS:
            del self._heads[next(iter(self._heads))]
        self._heads[deck_ticks] = head


class Positions:
    """The places of one block's frames: a ``Where`` of N."""

    def __init__(
        self,
        frames: NDArray[np.float64],
        frames_per_tick: int,
        place: Callable[[int], _Places],
    ) -> None:
        self.frames = frames
        """Frames played (N,), not wrapped: the time of those who do not loop."""
        self._frames_per_tick = frames_per_tick
        self._place = place

    @property
    def size(self) -> int:
        """N: frames of the block."""
        return int(self.frames.size)

    def on(self, deck_ticks: int) -> Reading:
        """Where a deck of so many ticks (K) is read, frame by frame."""
        places = self._place(deck_ticks)
        ticks = ticks_at(places.frames, self._frames_per_tick)
        if (places.weight >= 1).all():
            return Reading(ticks)
        before = ticks_at(places.before_frames, self._frames_per_tick)
        return Reading(ticks, before, places.weight.astype(np.float32))

    def around(self, n: int, ticks: NDArray[np.float64]) -> Around:
        """Other ticks (M,), which count as ``ticks_at(frames)`` does, seen from the nth frame."""
        return Around(self, n, ticks)

    def looped(self, n: int, ticks: NDArray[np.float64], deck_ticks: int) -> NDArray[np.float64]:
        """``around`` on a deck of so many ticks, folded into its loop as at the nth frame."""
        places = self._place(deck_ticks)
        here_ticks = ticks_at(self.frames[n : n + 1], self._frames_per_tick)
        moved = places.frames[n] + (ticks - here_ticks) * self._frames_per_tick
        start, length = places.loop_start[n], places.loop_frames[n]
        return ticks_at(start + (moved - start) % length, self._frames_per_tick)


@dataclass(frozen=True)
class Around:
    """Ticks (M,) around a frame of a block: a ``Where`` of M."""

    positions: Positions
    n: int
    ticks: NDArray[np.float64]

    @property
    def size(self) -> int:
        """M: how many ticks."""
        return int(self.ticks.size)

    def on(self, deck_ticks: int) -> Reading:
        """Where these are on a deck of so many ticks (K)."""
        return Reading(self.positions.looped(self.n, self.ticks, deck_ticks))


@dataclass(frozen=True)
class _Places:
    """One head in one block: frames of the deck (N,) from its start, and its loop (N,)."""

    frames: NDArray[np.float64]
    before_frames: NDArray[np.float64]
    weight: NDArray[np.float64]
    loop_start: NDArray[np.float64]
    loop_frames: NDArray[np.float64]


@dataclass(frozen=True)
class _Newcomer:
    """A head for a length not met before: ``moved`` frames behind a jump to ``share``."""

    share: float
    moved: float

    def on(self, deck_frames: float, motion: Motion) -> _Head:
        head = _Head(deck_frames, motion.loop_start[0], motion.loop_end[0])
        head.place(self.share, self.moved)
        return head


class _Head:
    """Where decks of one length are read, in frames from the loop's start."""

    def __init__(self, deck_frames: float, start: float, end: float) -> None:
        self._deck_frames = deck_frames
        self._loop = (start, end)
        self._start, self._length = self._bounds(start, end)
        self._inside = 0.0
        self._before = 0.0
        self._faded = FADE_FRAMES

    @property
    def share_of_loop(self) -> float:
        return self._inside / self._length

    def place(self, share: float, moved: float) -> None:
        """Begin ``moved`` frames behind ``share`` of the loop."""
        self._inside = (share * self._length + moved) % self._length

    def advance(self, motion: Motion) -> _Places:
        rows = [self._frame(*frame) for frame in motion.frames()]
        return _Places(*np.array(rows, np.float64).reshape(-1, 5).T)

    def _frame(self, step: float, start: float, end: float, jump: float) -> tuple[float, ...]:
        """The place of one frame, and ``step`` frames on."""
        if (start, end) != self._loop:
            self._follow_loop(start, end)
        if not math.isnan(jump):
            self._leap(jump * self._length % self._length)
        here = self._start + self._inside
        weight = min((self._faded + 1) / FADE_FRAMES, 1.0)
        row = (here, self._before, weight, self._start, self._length)
        self._faded = min(self._faded + 1, FADE_FRAMES)
        self._before += step
        self._move(self._inside + step)
        return row

    def _follow_loop(self, start: float, end: float) -> None:
        """The same place seen from a new loop; a leap if it is outside."""
        here = self._start + self._inside
        self._loop = (start, end)
        self._start, self._length = self._bounds(start, end)
        self._inside = (here - self._start) % self._deck_frames
        if self._inside >= self._length:
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
        self._leap_from(self._start + self._inside, inside)

    def _leap_from(self, before: float, inside: float) -> None:
        if self._faded:  # else it has leapt already, and what is heard is where it was before
            self._before = before
        self._inside, self._faded = inside, 0

    def _bounds(self, start: float, end: float) -> tuple[float, float]:
        """First frame and length of a loop between two shares of the deck."""
        share = (end - start) % 1.0 or 1.0
        length = min(max(share * self._deck_frames, SHORTEST_LOOP_FRAMES), self._deck_frames)
        return start * self._deck_frames, length


def ticks_at(position_frames: NDArray[np.float64], frames_per_tick: int) -> NDArray[np.float64]:
    """Fractional ticks (N,) at positions in frames; tick 0 may be undercut by half a tick.

    Tick k is centred between the frames it was made from, as in ``model.decoder``::

        frames   |  0  |  1  |  2  |  3  |        tick = (frame + 1/2) / frames_per_tick - 1/2
        ticks    |     0     |     1     |
    """
    return (position_frames + 0.5) / frames_per_tick - 0.5


def read_loop(track: Floats, where: Where) -> Floats:
    """Columns (S, N) of a looped track (S, K) at N places, linear between neighbours."""
    reading = where.on(track.shape[1])
    now = _columns(track, reading.ticks)
    if reading.before is None or reading.weight is None:
        return now
    before = _columns(track, reading.before)
    return before * (1 - reading.weight) + now * reading.weight


def _columns(track: Floats, ticks: NDArray[np.float64]) -> Floats:
    """Columns (S, N) at fractional ticks (N,); after the last tick comes the first again."""
    length = track.shape[1]
    below = np.floor(ticks)
    weight = (ticks - below).astype(np.float32)
    left = below.astype(np.int64) % length
    right = (left + 1) % length
    return track[:, left] * (1 - weight) + track[:, right] * weight
