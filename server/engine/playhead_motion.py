"""The motion of the playhead in a block, from the smoothed control values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from export.bundle.beats import Beats
from server.controls.addresses import (
    ALIGN,
    AS_RECORDED,
    BEAT,
    CLOCK,
    DEFAULT_BPM,
    NUDGE,
    POSITION,
    SLOWEST_BPM,
    TEMPO,
)
from server.controls.desk import Segment, Snapshot
from server.engine.beat_grid import BeatGrid
from server.engine.head import HeadStep
from server.engine.interpolation import shares
from server.engine.notes import NoteFrames, NotePlayer
from server.engine.pace import Pace, Row, TimedDeck, pace_of
from server.engine.transposition import TranspositionPlan


@dataclass(frozen=True)
class PlayheadMotion:
    """The playhead's controls in a block, frame by frame, each (N,).

    ``steps`` is how many frames it moves after each frame at the recorded tempo, ``loop_start`` and
    ``loop_end`` are shares of a deck, ``jumps`` are shares of the loop to begin a frame at, NaN
    where there is none. ``beats`` are beats to begin a frame at, counted from the loop's start, NaN
    likewise; ``beat_frames`` is the length of a beat on a deck that is not read in beats. ``pace``
    is None where no tempo is known.
    """

    steps: NDArray[np.float64]
    loop_start: NDArray[np.float64]
    loop_end: NDArray[np.float64]
    jumps: NDArray[np.float64]
    beats: NDArray[np.float64]
    beat_frames: NDArray[np.float64]
    pace: Pace | None = None

    @property
    def plain_steps(self) -> NDArray[np.float64]:
        """Steps (N,) of decks that are not read in beats."""
        return self.steps if self.pace is None else self.steps * self.pace.rates

    def frames_of(self, beats: Beats | None) -> Iterator[HeadStep]:
        """Yield the steps of a head of decks with ``beats``."""
        steps, beat_frames = self.plain_steps, self.beat_frames
        beat_grids: list[BeatGrid | None] = [None] * self.steps.size
        deck_pace = self.pace.deck_paces.get(beats) if self.pace and beats else None
        if self.pace and deck_pace:
            aligned, beat_grid = self.pace.aligned, deck_pace.beat_grid
            steps = np.where(aligned, self.steps * deck_pace.rates, steps)
            beat_frames = np.where(aligned, beat_grid.beat_frames, beat_frames)
            beat_grids = [beat_grid if is_aligned else None for is_aligned in aligned.tolist()]
        frames = self.beats * beat_frames
        rows = (steps, self.loop_start, self.loop_end, self.jumps, frames)
        return map(HeadStep, *(row.tolist() for row in rows), beat_grids)


class PlayheadControls:
    """Turns each block's control values into a ``PlayheadMotion``."""

    def __init__(self, frame_s: float, notes: NotePlayer) -> None:
        self.tempo_bpm: float | None = None
        """The audible tempo; None where no deck has a known tempo."""
        self._frame_s = frame_s
        self._notes = notes
        self._jumps = self._beat_jumps = 0

    def motion(
        self,
        segments: tuple[Segment, ...],
        values: NDArray[np.float64],
        is_open: NDArray[np.bool_],
        block_notes: NoteFrames,
        transposition: TranspositionPlan,
        decks: Sequence[TimedDeck | None],
    ) -> PlayheadMotion:
        """Return the motion in the planned frames (M,); time runs where the gate ``is_open`` (N,).

        ``values`` (V,N) are smoothed.
        """
        state, values = segments[-1].state, values[:, transposition.columns]
        speed, nudge, freeze = (row(state, values, a) for a in ("/speed", NUDGE, "/freeze"))
        start, end = (row(state, values, f"/loop/{which}") for which in ("start", "end"))
        states = [segment.state for segment in segments for _ in range(segment.frames)]
        notes = block_notes.at(transposition.columns)
        planned = [states[column] for column in transposition.columns]
        jumps = np.array([self._jump(one) for one in planned], np.float64)
        beats = np.array([self._beat_jump(one) for one in planned], np.float64)
        start, end, jumps = self._notes.override(notes, start, end, jumps)
        speed = speed * (1 + nudge / 100) * (1 - freeze)
        steps = speed * is_open[transposition.columns] * transposition.durations
        pace = self._pace(state, values, notes, decks)
        beat_frames = self._beat_frames(row(state, values, TEMPO), pace)
        return PlayheadMotion(steps, start, end, jumps, beats, beat_frames, pace)

    def _pace(
        self,
        state: Snapshot,
        values: NDArray[np.float64],
        notes: NoteFrames,
        decks: Sequence[TimedDeck | None],
    ) -> Pace | None:
        """The pace of the block; a note begins when it is struck, whatever the clock says."""
        x, y = (row(state, values, address) for address in ("/interp/structure", "/interp/y"))
        asked, align, clock = (row(state, values, address) for address in (TEMPO, ALIGN, CLOCK))
        clock = clock * ~notes.sounds
        pace = pace_of(decks, shares(x, y), asked, align, clock, self._frame_s)
        if asked.size:
            self.tempo_bpm = float(pace.tempo_bpm[-1]) if pace else None
        return pace

    def _beat_frames(self, asked_bpm: Row, pace: Pace | None) -> Row:
        """Frames of a beat (N,) on a deck that is not read in beats."""
        if pace:
            return pace.rates / pace.beats
        tempo = np.where(asked_bpm == AS_RECORDED, DEFAULT_BPM, np.maximum(asked_bpm, SLOWEST_BPM))
        return 60 / tempo / self._frame_s

    def _jump(self, state: Snapshot) -> float:
        """The share of the loop to jump to in a frame of ``state``; NaN for none."""
        if state.jumps == self._jumps:
            return np.nan
        self._jumps = state.jumps
        return state.value(POSITION)

    def _beat_jump(self, state: Snapshot) -> float:
        """The beat to jump to in a frame of ``state``; NaN for none."""
        if state.beat_jumps == self._beat_jumps:
            return np.nan
        self._beat_jumps = state.beat_jumps
        return state.value(BEAT)


def row(state: Snapshot, values: NDArray[np.float64], address: str) -> NDArray[np.float64]:
    """The smoothed values (N,) of one control."""
    found: NDArray[np.float64] = values[state.table.slots[address][0]]
    return found
