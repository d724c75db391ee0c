"""A morph: values on straight ways from where they are to a preset, in the engine's frames.

    value  ^            ____ target
           |        __--
           |    __--                    steps of STEP_S; each value's own glide rounds them off
           |__--
           '-----------------> frames
            start         start + seconds

Each value goes its own way: one that a hand, a score or a loop of the motion recorder moves stays
with that, and the others go on. The last step is the target itself, in the frame of the last
second. Steps are plain changes of values, so a recorded score holds them. The same at any block
size.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

from server.controls.desk import Snapshot
from server.controls.events import Morph, MorphStep

STEP_S = 0.02
"""As long as most values glide for."""
MAX_STEPS = 2000
"""Of one morph: a long one takes longer steps, so that the score that holds it stays readable."""
NEVER = sys.maxsize
"""A frame that does not come."""


@dataclass
class _MorphPath:
    """Of one control: from ``start`` to ``target``, ``now`` there."""

    start: tuple[float, ...]
    target: tuple[float, ...]
    now: tuple[float, ...]

    def at(self, share: float) -> tuple[float, ...]:
        """The values after ``share`` of the way; both ends exact."""
        ends = zip(self.start, self.target, strict=True)
        return tuple(start * (1 - share) + target * share for start, target in ends)


class MorphPlayer:
    """Told the state at each step and where a block begins; says what is to be set. One thread."""

    def __init__(self, frame_s: float) -> None:
        self._frame_s = frame_s
        self._step_frames = 1
        self._morph: Morph | None = None
        self._ways: dict[str, _MorphPath] = {}
        self._start = self._end = 0
        self.next_frame = NEVER
        """When ``due`` has something to set."""

    def hear(self, state: Snapshot, frame: int) -> None:
        """From ``frame`` on the hands want ``state``."""
        if state.morph is not self._morph:
            self._morph = state.morph
            self._begin(state, frame)
        for address in [a for a, way in self._ways.items() if state.vector(a) != way.now]:
            del self._ways[address]
        if not self._ways:
            self.next_frame = NEVER

    def due(self, frame: int) -> tuple[MorphStep, ...]:
        """What is set in ``frame``, if that is one of the steps."""
        if frame < self.next_frame:
            return ()
        share = min((frame - self._start) / (self._end - self._start), 1.0)
        steps = {}
        for address, way in self._ways.items():
            before, way.now = way.now, way.at(share)
            steps[address] = (before, way.now)
        self.next_frame = min(frame + self._step_frames, self._end)
        if frame >= self._end:
            self._ways, self.next_frame = {}, NEVER
        return (MorphStep(steps),)

    def _begin(self, state: Snapshot, frame: int) -> None:
        morph = self._morph
        self._ways = {}
        if morph is None:
            return
        for address, target in morph.targets.items():
            if address in state.table.slots and (now := state.vector(address)) != target:
                self._ways[address] = _MorphPath(now, target, now)
        frames = max(round(morph.seconds / self._frame_s), 1)
        self._start, self._end = frame, frame + frames
        self._step_frames = max(round(STEP_S / self._frame_s), frames // MAX_STEPS, 1)
        self.next_frame = min(frame + self._step_frames, self._end)
