"""Notes in the engine's frames: when a note sounds, how loud, and which slice it plays.

    held     |====|                |==|    shorter than SHORTEST_S, even within a block
    sounds   |==========|          |==========|

A note sounds for as long as it is held, and at least ``SHORTEST_S``: a pad sends note-off right
after note-on, and both may arrive within one block.
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
    """Notes in a block, frame by frame (N,).

    ``sounds`` is True where one sounds, with ``gains`` 0..1; ``starts`` and ``ends`` are its part
    of the deck in shares, ``numbers`` count the notes so far.
    """

    sounds: NDArray[np.bool_]
    gains: NDArray[np.float64]
    starts: NDArray[np.float64]
    ends: NDArray[np.float64]
    numbers: NDArray[np.int64]

    def at(self, columns: NDArray[np.int64]) -> NoteFrames:
        """Select other frames (M,) of the block."""
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
        self._number = self._last_jumped = first.number
        self._remaining_frames = 0

    def follow(self, segments: tuple[Segment, ...]) -> NoteFrames:
        """Return the notes of the next frames."""
        parts = [self._part(segment.state.note, segment.frames) for segment in segments]
        return NoteFrames(*(np.concatenate(rows) for rows in zip(*parts, strict=True)))

    def override(
        self,
        notes: NoteFrames,
        start: NDArray[np.float64],
        end: NDArray[np.float64],
        jumps: NDArray[np.float64],
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Replace the playhead's loop and jumps (M,) where notes sound.

        A note loops its slice, and a new one begins at the slice's start.
        """
        numbers = notes.numbers
        previous = np.concatenate([[self._last_jumped], numbers[:-1]])
        self._last_jumped = int(numbers[-1]) if numbers.size else self._last_jumped
        return (
            np.where(notes.sounds, notes.starts, start),
            np.where(notes.sounds, notes.ends, end),
            np.where(numbers != previous[: numbers.size], 0.0, jumps),
        )

    def stop(self) -> None:
        """End a released note that still sounds."""
        self._remaining_frames = 0

    def continue_from(self, other: NotePlayer) -> None:
        """Continue the note that another engine has begun."""
        self._number, self._last_jumped = other._number, other._last_jumped
        self._remaining_frames = other._remaining_frames

    def _part(self, note: Note, frames: int) -> tuple[NDArray[np.generic], ...]:
        if note.number != self._number:
            self._number, self._remaining_frames = note.number, self._shortest_frames
        sounds = note.is_held | (np.arange(frames) < self._remaining_frames)
        self._remaining_frames = max(self._remaining_frames - frames, 0)
        start, end = note.slice / SLICES, (note.slice + 1) / SLICES
        rows = (note.gain, start, end, note.number)
        return sounds, *(np.full(frames, value) for value in rows)
