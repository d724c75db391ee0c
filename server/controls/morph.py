"""Morphs: values that move linearly to a preset's, in the engine's frames.

    value  ^            ____ target
           |        __--
           |    __--                    steps of STEP_S; each value's own glide rounds them off
           |__--
           '-----------------> frames
            start         start + seconds

Values are independent: one that is moved by a control, a score or a motion loop leaves the morph,
and the others go on. The last step is the target itself, in the frame of the last second. Steps are
ordinary changes of values, so a recorded score holds them. The result is the same at any block
size.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

from server.controls.desk import Snapshot
from server.controls.events import Morph, MorphStep

STEP_S = 0.02
"""As long as most values' glide."""
MAX_STEPS = 2000
"""Of one morph: a long one takes longer steps, so that a score that holds it stays readable."""
NEVER = sys.maxsize
"""A frame that is never reached."""


@dataclass
class _MorphPath:
    """One control's path from ``start`` to ``target``, at present at ``current``."""

    start: tuple[float, ...]
    target: tuple[float, ...]
    current: tuple[float, ...]

    def at(self, share: float) -> tuple[float, ...]:
        """Return the values after ``share`` of the way; both ends exact."""
        ends = zip(self.start, self.target, strict=True)
        return tuple(start * (1 - share) + target * share for start, target in ends)


class MorphPlayer:
    """Takes each block's states and returns the steps that are due. One thread."""

    def __init__(self, frame_s: float) -> None:
        self._frame_s = frame_s
        self._step_frames = 1
        self._morph: Morph | None = None
        self._paths: dict[str, _MorphPath] = {}
        self._start = self._end = 0
        self.next_frame = NEVER
        """The next frame in which ``due`` has something to set."""

    def update(self, state: Snapshot, frame: int) -> None:
        """Take ``state``, which holds from ``frame`` on."""
        if state.morph is not self._morph:
            self._morph = state.morph
            self._begin(state, frame)
        for address in [a for a, path in self._paths.items() if state.vector(a) != path.current]:
            del self._paths[address]
        if not self._paths:
            self.next_frame = NEVER

    def due(self, frame: int) -> tuple[MorphStep, ...]:
        """Return what is set in ``frame``, if it is one of the steps."""
        if frame < self.next_frame:
            return ()
        share = min((frame - self._start) / (self._end - self._start), 1.0)
        steps = {}
        for address, path in self._paths.items():
            previous, path.current = path.current, path.at(share)
            steps[address] = (previous, path.current)
        self.next_frame = min(frame + self._step_frames, self._end)
        if frame >= self._end:
            self._paths, self.next_frame = {}, NEVER
        return (MorphStep(steps),)

    def _begin(self, state: Snapshot, frame: int) -> None:
        morph = self._morph
        self._paths = {}
        if morph is None:
            return
        for address, target in morph.targets.items():
            if address in state.table.slots and (current := state.vector(address)) != target:
                self._paths[address] = _MorphPath(current, target, current)
        frames = max(round(morph.seconds / self._frame_s), 1)
        self._start, self._end = frame, frame + frames
        self._step_frames = max(round(STEP_S / self._frame_s), frames // MAX_STEPS, 1)
        self.next_frame = min(frame + self._step_frames, self._end)
