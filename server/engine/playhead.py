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

Decks whose beats are known may be read in beats (``pace``): each at its own pace, its loop
in whole beats (``beat_grid``), and all at one place within the beat: the next beat of one
meets the next of the other. Loops of different length repeat each on its own. The first of these
decks leads: a jump takes it exactly to its share, the others to the nearest place to theirs that is
on its beat. Otherwise the beat goes on by itself, and who comes in finds it. Where a clock is
followed, the beat is the clock's, and a jump takes the leader too to the nearest place on it; only
a jump to a beat (``/beat``) says anew which beat it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from export.bundle.beats import Beats
from server.engine.head import HeadPositions, HeadState, ReadHead
from server.engine.playhead_motion import PlayheadMotion
from server.system.arrays import Floats

MAX_HEADS = 32
"""Decks of different length or beat whose heads are remembered."""

Key = tuple[int, Beats | None]
"""What decks have in common that are read at one place: length in ticks, and beats."""


@dataclass(frozen=True)
class DeckReading:
    """Fractional ticks (N,) at which a deck is read.

    Where a head leaps, ``before`` is where it would be without that, and ``weight`` (N,) is how
    much of the new place is heard; None where nothing leaps.
    """

    ticks: NDArray[np.float64]
    before: NDArray[np.float64] | None = None
    weight: Floats | None = None


class TimePositions(Protocol):
    """Places in time for decks of any length."""

    @property
    def size(self) -> int:
        """N: how many."""

    def on(self, deck_ticks: int, beats: Beats | None = None) -> DeckReading:
        """The same places on a deck of so many ticks (K), with these beats."""


@dataclass(frozen=True)
class PlayheadState:
    """All that a ``Playhead`` remembers, as plain values."""

    position_frames: float
    beat: float | None
    late_frames: float
    leader: Key | None
    is_led: bool
    jumped_to: float
    since_jump_frames: float
    since_jump_beats: float
    heads: tuple[tuple[Key, HeadState], ...]


class Playhead:
    """Moves the heads of all decks; runs at one frame a frame until it is told otherwise."""

    def __init__(self, frames_per_tick: int) -> None:
        self.position_frames = 0.0
        """Frames played, backwards less; not wrapped, and not moved by jumps."""
        self.beat: float | None = None
        """The beat that aligned decks keep, with its fraction; None where none are."""
        self.late_frames = 0.0
        """By how much later than the next frame's start the next place is heard (``/pitch``)."""
        self._frames_per_tick = frames_per_tick
        self._heads: dict[Key, ReadHead] = {}
        self._leader: Key | None = None
        self._is_led = False
        # Where a deck of a length that is new comes in: as if it had been there since the jump.
        self._jumped_to = 0.0
        self._since_jump_frames = 0.0
        self._since_jump_beats = 0.0

    def begin_at(self, share: float) -> None:
        """Begin at ``share`` 0..1 of the loop; before the first block."""
        self._jumped_to = share

    @property
    def state(self) -> PlayheadState:
        """All that ``restore`` needs to go on from here."""
        return PlayheadState(
            self.position_frames,
            self.beat,
            self.late_frames,
            self._leader,
            self._is_led,
            self._jumped_to,
            self._since_jump_frames,
            self._since_jump_beats,
            tuple((key, head.state) for key, head in self._heads.items()),
        )

    def restore(self, state: PlayheadState) -> None:
        """Go on from ``state``; before the first block."""
        self.position_frames, self.beat = state.position_frames, state.beat
        self.late_frames = state.late_frames
        self._leader, self._is_led = state.leader, state.is_led
        self._jumped_to = state.jumped_to
        self._since_jump_frames = state.since_jump_frames
        self._since_jump_beats = state.since_jump_beats
        self._heads = {key: ReadHead.restored(head) for key, head in state.heads}

    def advance(self, motion: PlayheadMotion) -> FramePositions:
        """The places of the next N frames."""
        since = (self._jumped_to, self._since_jump_frames, self._since_jump_beats, self.beat)
        beats = self._conducted(motion)
        places = {
            key: head.advance(motion.frames_of(key[1]), beats) for key, head in self._heads.items()
        }

        def place(key: Key) -> HeadPositions:
            if key not in places:
                head = self._newcomer(key, motion, *since)
                places[key] = head.advance(motion.frames_of(key[1]), beats)
                self._remember(key, head)
            return places[key]

        return FramePositions(self._played(motion), self._frames_per_tick, place)

    def share_of_loop(self, deck_ticks: int, beats: Beats | None = None) -> float:
        """Where the head of such decks is, 0..1 of its loop; from any thread."""
        head = self._heads.get((deck_ticks, beats))
        return self._jumped_to % 1.0 if head is None else head.share_of_loop

    @property
    def led_beat(self) -> float | None:
        """The beat of the next frame, where a clock may lead it."""
        return self.beat if self._is_led else None

    @property
    def beats_of_loop(self) -> tuple[float, float] | None:
        """Where the leader is in its loop, and how long that is, in beats; None where nobody is."""
        head = self._heads.get(self._leader) if self._leader else None
        return head.beats_of_loop if head else None

    def _played(self, motion: PlayheadMotion) -> NDArray[np.float64]:
        """Count the frames played (N,), and what was since the last jump."""
        frames = []
        in_beats = motion.steps * motion.pace.beats if motion.pace else np.zeros(motion.steps.size)
        rows = (motion.plain_steps, in_beats, motion.jumps, motion.beats, motion.beat_frames)
        for step, beats, jump, beat, beat_frames in zip(
            *(row.tolist() for row in rows), strict=True
        ):
            if not math.isnan(jump):
                self._jumped_to, self._since_jump_frames, self._since_jump_beats = jump, 0.0, 0.0
            if not math.isnan(beat):
                since = (0.0, beat * beat_frames, beat)
                self._jumped_to, self._since_jump_frames, self._since_jump_beats = since
            frames.append(self.position_frames)
            self.position_frames += step
            self._since_jump_frames += step
            self._since_jump_beats += beats
        return np.array(frames)

    def _conducted(self, motion: PlayheadMotion) -> list[float | None]:
        """The beat of each frame (N,), None where decks are not aligned.

        It goes on by itself; a jump sets it to where the leader lands, as does the first beat,
        unless a clock leads; a jump to a beat sets it to that.
        """
        pace = motion.pace
        if not motion.steps.size:
            return []
        if pace is None or not pace.aligned.any():
            self.beat = self._leader = None
            self._is_led = False
            return [None] * motion.steps.size
        self._leader, self._is_led = pace.leader, bool(pace.led[-1])
        if pace.leader not in self._heads:
            since = (self._jumped_to, self._since_jump_frames, self._since_jump_beats)
            self._remember(pace.leader, self._newcomer(pace.leader, motion, *since, self.beat))
        leader = self._heads[pace.leader].copy()
        beats: list[float | None] = []
        rows = (motion.steps * pace.beats, motion.beats, pace.led)
        for moved, beat_step, beat, is_led in zip(
            motion.frames_of(pace.leader[1]), *(row.tolist() for row in rows), strict=True
        ):
            if not math.isnan(beat):
                self.beat = beat
            elif moved.is_jump and not is_led:
                self.beat = None
            here = leader.frame(moved, self.beat)[0]
            if moved.grid is None:
                self.beat = None
            elif self.beat is None:
                self.beat = moved.grid.beat_at(here)
            beats.append(self.beat)
            self.beat = None if self.beat is None else self.beat + beat_step
        return beats

    def _newcomer(
        self,
        key: Key,
        motion: PlayheadMotion,
        share: float,
        since_frames: float,
        since_beats: float,
        beat: float | None,
    ) -> ReadHead:
        """A head for a deck not met before: where it would be since the jump to ``share``."""
        first = next(motion.frames_of(key[1]))
        head = ReadHead(key[0] * self._frames_per_tick, first)
        head.place(share, since_frames if first.grid is None else since_beats)
        head.keep(beat)
        return head

    def _remember(self, key: Key, head: ReadHead) -> None:
        if len(self._heads) >= MAX_HEADS:
            del self._heads[next(iter(self._heads))]
        self._heads[key] = head


class FramePositions:
    """The places of one block's frames: a ``TimePositions`` of N."""

    def __init__(
        self,
        frames: NDArray[np.float64],
        frames_per_tick: int,
        place: Callable[[Key], HeadPositions],
    ) -> None:
        self.frames = frames
        """Frames played (N,), not wrapped: the time of those who do not loop."""
        self._frames_per_tick = frames_per_tick
        self._place = place

    @property
    def size(self) -> int:
        """N: frames of the block."""
        return int(self.frames.size)

    def on(self, deck_ticks: int, beats: Beats | None = None) -> DeckReading:
        """Where a deck of so many ticks (K) is read, frame by frame."""
        places = self._place((deck_ticks, beats))
        ticks = ticks_at(places.frames, self._frames_per_tick)
        if (places.weight >= 1).all():
            return DeckReading(ticks)
        before = ticks_at(places.before_frames, self._frames_per_tick)
        return DeckReading(ticks, before, places.weight.astype(np.float32))

    def around(self, n: int, ticks: NDArray[np.float64]) -> TicksAround:
        """Other ticks (M,), which count as ``ticks_at(frames)`` does, seen from the nth frame."""
        return TicksAround(self, n, ticks)

    def looped(self, n: int, ticks: NDArray[np.float64], key: Key) -> NDArray[np.float64]:
        """``around`` on such a deck, folded into its loop as at the nth frame."""
        places = self._place(key)
        here_ticks = ticks_at(self.frames[n : n + 1], self._frames_per_tick)
        moved = places.frames[n] + (ticks - here_ticks) * self._frames_per_tick
        start, length = places.loop_start[n], places.loop_frames[n]
        return ticks_at(start + (moved - start) % length, self._frames_per_tick)


@dataclass(frozen=True)
class TicksAround:
    """Ticks (M,) around a frame of a block: a ``TimePositions`` of M."""

    positions: FramePositions
    n: int
    ticks: NDArray[np.float64]

    @property
    def size(self) -> int:
        """M: how many ticks."""
        return int(self.ticks.size)

    def on(self, deck_ticks: int, beats: Beats | None = None) -> DeckReading:
        """Where these are on a deck of so many ticks (K)."""
        return DeckReading(self.positions.looped(self.n, self.ticks, (deck_ticks, beats)))


def ticks_at(position_frames: NDArray[np.float64], frames_per_tick: int) -> NDArray[np.float64]:
    """Fractional ticks (N,) at positions in frames; tick 0 may be undercut by half a tick.

    Tick k is centred between the frames it was made from, as in ``model.decoder``::

        frames   |  0  |  1  |  2  |  3  |        tick = (frame + 1/2) / frames_per_tick - 1/2
        ticks    |     0     |     1     |
    """
    return (position_frames + 0.5) / frames_per_tick - 0.5


def read_loop(track: Floats, where: TimePositions, beats: Beats | None = None) -> Floats:
    """Columns (S, N) of a looped track (S, K) at N places, linear between neighbours."""
    reading = where.on(track.shape[1], beats)
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
