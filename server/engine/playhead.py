"""The playhead: one set of controls, and on each deck a read head that loops at the deck's length.

Speed, freeze, jumps and loop points are common to all decks. Loop points and jumps are shares of a
deck, so that each loops its own part, like a sampler's tracks that start together. A loop that ends
before it starts continues over the deck's end, and one that ends where it starts is the whole
deck::

    /loop 0.25 0.75   |    [=======]    |      /loop 0.75 0.25   |====]       [====|

A head outside of a new loop is moved into it by whole loop lengths, so halving a loop keeps the
beat. Where a head jumps, by command or at a loop's border, the two places are crossfaded within
``FADE_FRAMES``; the old place is read on beyond the border for as long. The whole deck's own seam
needs no fade: its first tick follows its last.

Decks of known beats may be read in beats (``pace``): each at its own pace, its loop in whole beats
(``beat_grid``), and all at the same place within the beat: the next beat of one meets the next of
the other. Loops of different length repeat independently. The first of these decks leads: a jump
moves it exactly to its share, and the others to the nearest place on its beat. Otherwise the beat
runs on, and a new deck joins it. Where a clock is followed, the beat is the clock's, and a jump
moves the leader too to the nearest place on it; only a jump to a beat (``/beat``) sets the beat.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from export.audio.arrays import Floats
from export.bundle.beats import Beats
from server.engine.head import HeadPositions, HeadState, ReadHead
from server.engine.playhead_motion import PlayheadMotion

MAX_HEADS = 32
"""Read heads that are kept, one for each combination of length and beats."""

Key = tuple[int, Beats | None]
"""The properties that decks read by one head share: length in ticks, and beats."""


@dataclass(frozen=True)
class DeckReading:
    """Fractional ticks (N,) at which a deck is read.

    Where a head jumps, ``previous`` is its place without the jump, and ``weight`` (N,) the share of
    the new place in the crossfade; None where nothing jumps.
    """

    ticks: NDArray[np.float64]
    previous: NDArray[np.float64] | None = None
    weight: Floats | None = None


class TimePositions(Protocol):
    """Places in time for decks of any length."""

    @property
    def size(self) -> int:
        """N: the number of places."""

    def on(self, deck_ticks: int, beats: Beats | None = None) -> DeckReading:
        """The same places on a deck of ``deck_ticks`` (K) ticks, with these beats."""


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
    """Moves the heads of all decks; runs at one frame a frame until its controls change."""

    def __init__(self, frames_per_tick: int) -> None:
        self.position_frames = 0.0
        """Frames played, minus those played backwards; not wrapped, and not moved by jumps."""
        self.beat: float | None = None
        """The beat that aligned decks keep, with its fraction; None where none are."""
        self.late_frames = 0.0
        """By how much later than the next frame's start the next place is heard (``/pitch``)."""
        self._frames_per_tick = frames_per_tick
        self._heads: dict[Key, ReadHead] = {}
        self._leader: Key | None = None
        self._is_led = False
        # A deck of a new length starts as if it had been there since the last jump.
        self._jump_share = 0.0
        self._since_jump_frames = 0.0
        self._since_jump_beats = 0.0

    def begin_at(self, share: float) -> None:
        """Begin at ``share`` 0..1 of the loop; before the first block."""
        self._jump_share = share

    @property
    def state(self) -> PlayheadState:
        """All that ``restore`` needs to go on from here."""
        return PlayheadState(
            self.position_frames,
            self.beat,
            self.late_frames,
            self._leader,
            self._is_led,
            self._jump_share,
            self._since_jump_frames,
            self._since_jump_beats,
            tuple((key, head.state) for key, head in self._heads.items()),
        )

    def restore(self, state: PlayheadState) -> None:
        """Go on from ``state``; before the first block."""
        self.position_frames, self.beat = state.position_frames, state.beat
        self.late_frames = state.late_frames
        self._leader, self._is_led = state.leader, state.is_led
        self._jump_share = state.jumped_to
        self._since_jump_frames = state.since_jump_frames
        self._since_jump_beats = state.since_jump_beats
        self._heads = {key: ReadHead.restored(head) for key, head in state.heads}

    def advance(self, motion: PlayheadMotion) -> FramePositions:
        """Move all heads by N frames; return their places."""
        since = (self._jump_share, self._since_jump_frames, self._since_jump_beats, self.beat)
        beats = self._common_beats(motion)
        positions = {
            key: head.advance(motion.frames_of(key[1]), beats) for key, head in self._heads.items()
        }

        def positions_of(key: Key) -> HeadPositions:
            if key not in positions:
                head = self._new_head(key, motion, *since)
                positions[key] = head.advance(motion.frames_of(key[1]), beats)
                self._remember(key, head)
            return positions[key]

        return FramePositions(self._advance_position(motion), self._frames_per_tick, positions_of)

    def share_of_loop(self, deck_ticks: int, beats: Beats | None = None) -> float:
        """The place of the head of such decks, 0..1 of its loop; from any thread."""
        head = self._heads.get((deck_ticks, beats))
        return self._jump_share % 1.0 if head is None else head.share_of_loop

    @property
    def led_beat(self) -> float | None:
        """The beat of the next frame, where a clock may lead it."""
        return self.beat if self._is_led else None

    @property
    def beats_of_loop(self) -> tuple[float, float] | None:
        """The leader's place in its loop and the loop's length, in beats; None without a leader."""
        head = self._heads.get(self._leader) if self._leader else None
        return head.beats_of_loop if head else None

    def _advance_position(self, motion: PlayheadMotion) -> NDArray[np.float64]:
        """Count the frames played (N,), and those since the last jump."""
        frames = []
        in_beats = motion.steps * motion.pace.beats if motion.pace else np.zeros(motion.steps.size)
        rows = (motion.plain_steps, in_beats, motion.jumps, motion.beats, motion.beat_frames)
        for step, beats, jump, beat, beat_frames in zip(
            *(row.tolist() for row in rows), strict=True
        ):
            if not math.isnan(jump):
                self._jump_share, self._since_jump_frames, self._since_jump_beats = jump, 0.0, 0.0
            if not math.isnan(beat):
                self._jump_share = 0.0
                self._since_jump_frames, self._since_jump_beats = beat * beat_frames, beat
            frames.append(self.position_frames)
            self.position_frames += step
            self._since_jump_frames += step
            self._since_jump_beats += beats
        return np.array(frames)

    def _common_beats(self, motion: PlayheadMotion) -> list[float | None]:
        """The beat of each frame (N,), None where decks are not aligned.

        It runs on by itself; a jump sets it to where the leader lands, as does the first beat,
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
            since = (self._jump_share, self._since_jump_frames, self._since_jump_beats)
            self._remember(pace.leader, self._new_head(pace.leader, motion, *since, self.beat))
        leader = copy.copy(self._heads[pace.leader])
        beats: list[float | None] = []
        rows = (motion.steps * pace.beats, motion.beats, pace.led)
        for step, beat_step, beat, is_led in zip(
            motion.frames_of(pace.leader[1]), *(row.tolist() for row in rows), strict=True
        ):
            if not math.isnan(beat):
                self.beat = beat
            elif step.is_jump and not is_led:
                self.beat = None
            here = leader.frame(step, self.beat)[0]
            if step.beat_grid is None:
                self.beat = None
            elif self.beat is None:
                self.beat = step.beat_grid.beat_at(here)
            beats.append(self.beat)
            self.beat = None if self.beat is None else self.beat + beat_step
        return beats

    def _new_head(
        self,
        key: Key,
        motion: PlayheadMotion,
        share: float,
        since_frames: float,
        since_beats: float,
        beat: float | None,
    ) -> ReadHead:
        """Make the head of a new kind of deck, where it would be since the jump to ``share``."""
        first = next(motion.frames_of(key[1]))
        head = ReadHead(key[0] * self._frames_per_tick, first)
        head.place(share, since_frames if first.beat_grid is None else since_beats)
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
        positions_of: Callable[[Key], HeadPositions],
    ) -> None:
        self.frames = frames
        """Frames played (N,), not wrapped: the time of what does not loop."""
        self._frames_per_tick = frames_per_tick
        self._positions_of = positions_of

    @property
    def size(self) -> int:
        """N: frames of the block."""
        return int(self.frames.size)

    def on(self, deck_ticks: int, beats: Beats | None = None) -> DeckReading:
        """The places, frame by frame, on a deck of ``deck_ticks`` (K) ticks."""
        positions = self._positions_of((deck_ticks, beats))
        ticks = ticks_at(positions.frames, self._frames_per_tick)
        if (positions.weight >= 1).all():
            return DeckReading(ticks)
        previous = ticks_at(positions.previous_frames, self._frames_per_tick)
        return DeckReading(ticks, previous, positions.weight.astype(np.float32))

    def looped(self, n: int, ticks: NDArray[np.float64], key: Key) -> NDArray[np.float64]:
        """Fold ticks (M,), counted like ``ticks_at(frames)``, into a deck's loop at frame n."""
        positions = self._positions_of(key)
        here_ticks = ticks_at(self.frames[n : n + 1], self._frames_per_tick)
        moved = positions.frames[n] + (ticks - here_ticks) * self._frames_per_tick
        start, length = positions.loop_start[n], positions.loop_frames[n]
        return ticks_at(start + (moved - start) % length, self._frames_per_tick)


@dataclass(frozen=True)
class TicksAround:
    """Ticks (M,) around a frame of a block, counted like ``ticks_at(frames)``."""

    positions: FramePositions
    n: int
    ticks: NDArray[np.float64]

    @property
    def size(self) -> int:
        """M: the number of ticks."""
        return int(self.ticks.size)

    def on(self, deck_ticks: int, beats: Beats | None = None) -> DeckReading:
        """The ticks' places on a deck of ``deck_ticks`` (K) ticks."""
        return DeckReading(self.positions.looped(self.n, self.ticks, (deck_ticks, beats)))


def ticks_at(position_frames: NDArray[np.float64], frames_per_tick: int) -> NDArray[np.float64]:
    """Return the fractional ticks (N,) at positions in frames, from -1/2 tick on.

    Tick k is centred between the frames it was made from, as in ``model.decoder``::

        frames   |  0  |  1  |  2  |  3  |        tick = (frame + 1/2) / frames_per_tick - 1/2
        ticks    |     0     |     1     |
    """
    return (position_frames + 0.5) / frames_per_tick - 0.5


def frames_at(ticks: NDArray[np.float64], frames_per_tick: int) -> NDArray[np.float64]:
    """Return the positions in frames of fractional ticks (N,): the inverse of ``ticks_at``."""
    return (ticks + 0.5) * frames_per_tick - 0.5


def around_loop(distance: float, length: float) -> float:
    """Return ``distance`` the shorter way around a loop of ``length``."""
    return distance - length * round(distance / length)


def read_loop(track: Floats, positions: TimePositions, beats: Beats | None = None) -> Floats:
    """Return columns (S, N) of a looped track (S, K) at N places, linear between neighbours."""
    reading = positions.on(track.shape[1], beats)
    now = _columns(track, reading.ticks)
    if reading.previous is None or reading.weight is None:
        return now
    previous = _columns(track, reading.previous)
    return previous * (1 - reading.weight) + now * reading.weight


def _columns(track: Floats, ticks: NDArray[np.float64]) -> Floats:
    """Columns (S, N) at fractional ticks (N,); the first tick follows the last."""
    length = track.shape[1]
    below = np.floor(ticks)
    weight = (ticks - below).astype(np.float32)
    left = below.astype(np.int64) % length
    right = (left + 1) % length
    return track[:, left] * (1 - weight) + track[:, right] * weight
