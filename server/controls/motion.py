"""The motion recorder: changes of values, recorded and looped in the engine's frames.

    /motion/record 1 .. changes .. 0      records a loop of that length, replacing the previous one
    /motion/play 1                        plays it from its beginning, again and again

Every pass begins with the values that the moved controls had when recording began, so that each
pass is the same. Recording takes precedence over playing; with both on, the loop starts when
recording ends. A control may be moved by hand until the loop moves it again. All is exact to the
frame, at any block size. A clock's changes of the playhead (``/nudge``, ``/beat``) are left out.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping

from server.controls.addresses import BEAT, JUMPS, MOTION, NUDGE
from server.controls.desk import Snapshot, moved
from server.controls.events import Event, SetControl

logger = logging.getLogger(__name__)

MAX_CHANGES = 100_000
"""Changes (of one control in one frame) that are kept: some ten minutes of constant turning."""
_EXCLUDED = (MOTION, NUDGE, BEAT)


class MotionRecorder:
    """Receives every state with its frame; returns what to set at which frames. One thread."""

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

    def restore_loop(
        self, changes: Mapping[int, tuple[SetControl, ...]], length_frames: int
    ) -> None:
        """Set a loop recorded by a previous process."""
        self._changes, self._length_frames = dict(changes), length_frames

    def update(self, state: Snapshot, frame: int) -> None:
        """Take ``state``, which holds from ``frame`` on."""
        previous, self._last = self._last, state
        if state.motion_clears != self._clears:
            self._clears = state.motion_clears
            self._clear()
        self._record(previous or state, state, frame)
        is_playing = state.value(f"{MOTION}/play") and self._recorded_from is None
        if not is_playing or not self._length_frames:
            self._played_from = None
        elif self._played_from is None:
            self._played_from = frame

    def due(self, frame: int, until: int) -> Iterator[tuple[int, tuple[Event, ...]]]:
        """Yield the loop's changes from ``frame`` to before ``until``, each with its frame."""
        start = self._played_from
        if start is None:
            return
        for at in range(frame, until):
            if changes := self._changes.get((at - start) % self._length_frames):
                yield at, changes

    def _record(self, previous: Snapshot, state: Snapshot, frame: int) -> None:
        is_recording = bool(state.value(f"{MOTION}/record"))
        if self._recorded_from is not None:
            self._keep(frame - self._recorded_from, _changed(previous, state))
            if not is_recording:
                self._end(frame - self._recorded_from)
        elif is_recording:
            self._clear()
            self._recorded_from, self._first = frame, state

    def _keep(self, offset: int, changes: tuple[SetControl, ...]) -> None:
        if not changes:
            return
        if self._kept + len(changes) > MAX_CHANGES:
            if not self._is_full:
                logger.warning("/motion/record is full (%d changes); ignoring more", MAX_CHANGES)
            self._is_full = True
            return
        self._kept += len(changes)
        self._changes[offset] = (*self._changes.get(offset, ()), *changes)

    def _end(self, length_frames: int) -> None:
        """Close the loop; it begins by setting the values it moves to what they were at first."""
        assert self._first is not None
        state = self._first
        self._changes.pop(length_frames, None)  # the next pass begins there
        moved = dict.fromkeys(
            event.address
            for changes in self._changes.values()
            for event in changes
            if event.address not in JUMPS
        )
        initial = tuple(SetControl(address, state.vector(address)) for address in moved)
        if initial:
            self._changes[0] = (*initial, *self._changes.get(0, ()))
        self._length_frames = length_frames
        self._recorded_from = None

    def _clear(self) -> None:
        self._changes = {}
        self._kept = self._length_frames = 0
        self._is_full = False
        self._recorded_from = self._played_from = None


def _changed(previous: Snapshot, current: Snapshot) -> tuple[SetControl, ...]:
    """The values that differ, except the recorder's own; a jump to the same place counts."""
    return tuple(
        SetControl(control.address, current.vector(control.address))
        for control in current.table.values
        if not control.address.startswith(_EXCLUDED) and moved(control.address, previous, current)
    )
