"""The motion recorder: what the hands do to values, recorded and looped in the engine's frames.

    /motion/record 1 .. changes .. 0      a loop as long as that, which replaces the one before
    /motion/play 1                        from its beginning on, again and again

Every pass begins with the values that the recorded ones had when it was begun, so that it does the
same each time. Recording comes before playing; with both on, the loop starts when recording ends.
A hand may move what is played: until the loop moves it again. All is exact to the frame, at any
block size. What a clock does to the playhead (``/nudge``, ``/beat``) is left out.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping

from server.controls.addresses import BEAT, JUMPS, MOTION, NUDGE
from server.controls.desk import Snapshot, moved
from server.controls.events import Event, SetControl

logger = logging.getLogger(__name__)

MAX_CHANGES = 100_000
"""Changes of one control in one frame that are kept: some ten minutes of wild turning."""
_LEFT_OUT = (MOTION, NUDGE, BEAT)


class MotionRecorder:
    """Told every state with its frame; says what is to be set at which frames. One thread."""

    def __init__(self) -> None:
        self._clears = 0
        self._changes: dict[int, tuple[SetControl, ...]] = {}
        self._kept = 0
        self._is_full = False
        self._length_frames = 0
        self._recorded_from: int | None = None
        self._played_from: int | None = None
        self._first: Snapshot | None = None
        self._last: Snapshot | None = None

    @property
    def loop(self) -> tuple[Mapping[int, tuple[SetControl, ...]], int] | None:
        """The recorded changes by frame, and the loop's length; from any thread."""
        changes, frames = self._changes, self._length_frames
        return (changes, frames) if frames and self._recorded_from is None else None

    def take_up(self, changes: Mapping[int, tuple[SetControl, ...]], length_frames: int) -> None:
        """Have recorded this loop before."""
        self._changes, self._length_frames = dict(changes), length_frames

    def hear(self, state: Snapshot, frame: int) -> None:
        """From ``frame`` on the hands want ``state``."""
        before, self._last = self._last, state
        if state.motion_clears != self._clears:
            self._clears = state.motion_clears
            self._forget()
        self._record(before or state, state, frame)
        plays = state.value(f"{MOTION}/play") and self._recorded_from is None
        if not plays or not self._length_frames:
            self._played_from = None
        elif self._played_from is None:
            self._played_from = frame

    def due(self, frame: int, until: int) -> Iterator[tuple[int, tuple[Event, ...]]]:
        """What the loop sets from ``frame`` to before ``until``, each with its frame."""
        start = self._played_from
        if start is None:
            return
        for at in range(frame, until):
            if changes := self._changes.get((at - start) % self._length_frames):
                yield at, changes

    def _record(self, before: Snapshot, state: Snapshot, frame: int) -> None:
        records = bool(state.value(f"{MOTION}/record"))
        if self._recorded_from is not None:
            self._keep(frame - self._recorded_from, _changed(before, state))
            if not records:
                self._end(frame - self._recorded_from)
        elif records:
            self._forget()
            self._recorded_from, self._first = frame, state

    def _keep(self, offset: int, changes: tuple[SetControl, ...]) -> None:
        if not changes:
            return
        if self._kept + len(changes) > MAX_CHANGES:
            if not self._is_full:
                logger.warning("/motion/record is full (%d changes); no more is kept", MAX_CHANGES)
            self._is_full = True
            return
        self._kept += len(changes)
        self._changes[offset] = (*self._changes.get(offset, ()), *changes)

    def _end(self, length_frames: int) -> None:
        """Close the loop; it begins with what it moves where that was at first."""
        assert self._first is not None
        state = self._first
        self._changes.pop(length_frames, None)  # the next pass begins there
        moved = dict.fromkeys(
            event.address
            for changes in self._changes.values()
            for event in changes
            if event.address not in JUMPS
        )
        begin = tuple(SetControl(address, state.vector(address)) for address in moved)
        if begin:
            self._changes[0] = (*begin, *self._changes.get(0, ()))
        self._length_frames = length_frames
        self._recorded_from = None

    def _forget(self) -> None:
        self._changes = {}
        self._kept = self._length_frames = 0
        self._is_full = False
        self._recorded_from = self._played_from = None


def _changed(before: Snapshot, now: Snapshot) -> tuple[SetControl, ...]:
    """The values that differ, without the recorder's own; a jump to the same place is one too."""
    return tuple(
        SetControl(control.address, now.vector(control.address))
        for control in now.table.values
        if not control.address.startswith(_LEFT_OUT) and moved(control.address, before, now)
    )
