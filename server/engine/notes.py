"""Which frames a note sounds in, and how: what the engine makes of the desk's note.

    held by the hand   |====|                |==|    shorter than SHORTEST_S, even within a block
    sounds             |==========|          |==========|

A note sounds for as long as it is held, and never shorter than ``SHORTEST_S``: a pad that is hit
lets go at once, and both messages may come within one block.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from server.controls.addresses import SLICES
from server.controls.desk import Segment
from server.controls.note import Note

SHORTEST_S = 0.1
"""A semiquaver at 150 bpm: long enough to be heard as a part of music."""


@dataclass(frozen=True)
class NoteFrames:
    """Notes in a block, frame by frame (N,): where one sounds, how loud 0..1, which part of the
    deck, and how many were struck so far."""

    sounds: NDArray[np.bool_]
    gains: NDArray[np.float64]
    starts: NDArray[np.float64]
    ends: NDArray[np.float64]
    numbers: NDArray[np.int64]

    def at(self, columns: NDArray[np.int64]) -> NoteFrames:
        """The same in other frames (M,) of the block."""
        return NoteFrames(
            self.sounds[columns],
            self.gains[columns],
            self.starts[columns],
            self.ends[columns],
            self.numbers[columns],
        )


class NotePlayer:
    """Follows the desk's note through the engine's frames."""

    def __init__(self, frame_s: float, first: Note) -> None:
        self._shortest_frames = max(round(SHORTEST_S / frame_s), 1)
        self._number = self._jumped = first.number
        self._left = 0

    def follow(self, segments: tuple[Segment, ...]) -> NoteFrames:
        """The notes of the next frames."""
        parts = [self._part(segment.state.note, segment.frames) for segment in segments]
        return NoteFrames(*(np.concatenate(rows) for rows in zip(*parts, strict=True)))

    def over(
        self,
        struck: NoteFrames,
        start: NDArray[np.float64],
        end: NDArray[np.float64],
        jumps: NDArray[np.float64],
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """The loop and the jumps (M,) of a playhead, where notes have the better of them.

        A note loops its slice, and where it is new it begins there.
        """
        numbers = struck.numbers
        before = np.concatenate([[self._jumped], numbers[:-1]])
        self._jumped = int(numbers[-1]) if numbers.size else self._jumped
        return (
            np.where(struck.sounds, struck.starts, start),
            np.where(struck.sounds, struck.ends, end),
            np.where(numbers != before[: numbers.size], 0.0, jumps),
        )

    def stop(self) -> None:
        """What still sounds of a note that was let go ends."""
        self._left = 0

    def go_on_from(self, other: NotePlayer) -> None:
        """Play on what another engine has begun."""
        self._number, self._jumped, self._left = other._number, other._jumped, other._left

    def _part(self, note: Note, frames: int) -> tuple[NDArray[np.generic], ...]:
        if note.number != self._number:
            self._number, self._left = note.number, self._shortest_frames
        sounds = note.is_held | (np.arange(frames) < self._left)
        self._left = max(self._left - frames, 0)
        start, end = note.slice / SLICES, (note.slice + 1) / SLICES
        rows = (note.gain, start, end, note.number)
        return sounds, *(np.full(frames, value) for value in rows)
