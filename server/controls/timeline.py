"""The timeline: applies changes to the desk in the frame in which they are due.

    dispatch -> schedule(time, events) --.
                                          heap by time -- due in this block? --.
    engine ---> segments(frames) --------------------------------------------> desk.apply_groups

    block of 8 frames, /interp 0.5 due in its third:   | S0 S0 | S1 S1 S1 S1 S1 S1 |

A time is when the change should be heard, like a time tag in SuperCollider: the ``SampleClock``
includes ring, device and synthesis. The error is at most half a hop frame, for any block size and
for controls before and after the synthesis alike (``server.engine.output_stage``). Waiting changes
are in order of time and mapped to frames only when their block is rendered, so that clock drift
cannot change the order. Changes from a score (``server.score.player``), the motion recorder
(``motion``) and a morph (``morph``) are applied in their frames likewise.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from server.controls.desk import Desk, Segment, Snapshot
from server.controls.events import Event, ModelSwitched, SetControl, SetGlide
from server.controls.morph import MorphPlayer
from server.controls.motion import MotionRecorder
from server.controls.sample_clock import SampleClock

MAX_WAITING = 10_000
"""Messages that may wait for their time."""

OnExecuted = Callable[[tuple[Event, ...], float, float], None]
"""Called in the engine's thread with the events, their time, and how late they were (s)."""


class TimelineFull(RuntimeError):
    """Too many messages wait for their time."""


@dataclass(frozen=True, order=True)
class _TimedGroup:
    """Events due at ``time_s``; those due at one time are ordered by ``number``."""

    time_s: float
    number: int
    events: tuple[Event, ...]


@dataclass(frozen=True)
class _Due:
    """Events that apply from ``frame`` on, and when they were to be heard."""

    frame: int
    events: tuple[Event, ...]
    time_s: float


class ScoreEvents(Protocol):
    """A score, read in the engine's thread."""

    def due(self, before_frame: int) -> Sequence[tuple[int, tuple[Event, ...]]]:
        """Return the next events before ``before_frame``, in order, with their frames."""


class ClockEvents(Protocol):
    """The follower of a clock, asked in the engine's thread."""

    def due(self, first: int, end: int, state: Snapshot) -> Sequence[tuple[int, tuple[Event, ...]]]:
        """Return the events in frames ``first`` to before ``end``, which begin in ``state``."""


StateObserver = Callable[[Sequence[tuple[int, Snapshot]], int], None]
"""Called in the engine's thread with each block's states, their frames, and the block's end."""


class Timeline:
    """A ``SnapshotSource``; ``segments`` runs in the engine's thread, the rest in the inputs'.

    The two threads share a queue and counters that only one of them writes: neither waits.
    """

    def __init__(
        self,
        desk: Desk,
        clock: SampleClock,
        on_executed: OnExecuted = lambda *_: None,
    ) -> None:
        self.clock = clock
        self.next_frame = 0
        self.frames_before = 0
        """Frames that an instrument before this one has played (``server.supervision``)."""
        self._desk = desk
        self._score: ScoreEvents | None = None
        self._clock_follower: ClockEvents | None = None
        self._observer: StateObserver = lambda moments, next_frame: None
        self.motion = MotionRecorder()
        self._morph = MorphPlayer(clock.frame_s)
        self._on_executed = on_executed
        self._arrived: deque[_TimedGroup] = deque()
        self._heap: list[_TimedGroup] = []
        self._numbered = self._cleared = 0
        self._entered = self._left = 0

    @property
    def waiting(self) -> int:
        """Messages whose time has not come."""
        return self._entered - self._left

    def late_s(self, time_s: float) -> float:
        """Return by how much it is too late for a change to be heard at ``time_s``; 0 if it is not.

        Less than a frame is in time: the line moves by that much when it follows the clocks.
        """
        behind_s = self.clock.time_of(self.next_frame) - time_s
        return behind_s if behind_s > self.clock.frame_s else 0.0

    def schedule(self, time_s: float, events: tuple[Event, ...]) -> None:
        """Carry out ``events`` together so that they are heard at ``time_s``.

        Raises:
            TimelineFull: too many messages wait; none of these is taken.
        """
        if self.waiting + len(events) > MAX_WAITING:
            raise TimelineFull(
                f"{self.waiting} messages wait for their time and {len(events)} more are too many;"
                f" at most {MAX_WAITING} may wait; send them closer to their time"
            )
        self._entered += len(events)
        self._numbered += 1
        self._arrived.append(_TimedGroup(time_s, self._numbered, events))

    def play(self, score: ScoreEvents) -> None:
        """Play a score from frame 0 on; call before the engine starts."""
        self._score = score

    def follow(self, clock_follower: ClockEvents) -> None:
        """Let ``clock_follower`` keep the beat; call before the engine starts."""
        self._clock_follower = clock_follower

    def observe(self, observer: StateObserver) -> None:
        """Call ``observer`` with all states that play; call before the engine starts."""
        self._observer = observer

    def report_to(self, on_executed: OnExecuted) -> None:
        """Call ``on_executed`` with what was carried out; before the engine starts."""
        self._on_executed = on_executed

    def clear(self) -> None:
        """Drop all waiting messages."""
        self._cleared = self._numbered

    def snapshot(self) -> Snapshot:
        """Return the newest state; never blocks."""
        return self._desk.snapshot()

    def segments(self, frames: int) -> tuple[Segment, ...]:
        """Return the states of the next ``frames`` frames, each with how many frames it holds."""
        first, end = self.next_frame, self.next_frame + frames
        due = self._due(first, end)
        moments = list(self._states_until((), first, due[0].frame if due else end))
        ends = [*(group.frame for group in due[1:]), end]
        for group, until in zip(due, ends, strict=False):
            moments += self._states_until(group.events, group.frame, until)
            self._on_executed(group.events, group.time_s, self.late_s(group.time_s))
        self.next_frame = end
        self._observer(moments, end)
        ends = [*(frame for frame, _ in moments[1:]), end]
        return tuple(
            Segment(state, until - start)
            for (start, state), until in zip(moments, ends, strict=True)
            if until > start
        )

    def _states_until(
        self, events: tuple[Event, ...], frame: int, until: int
    ) -> Iterator[tuple[int, Snapshot]]:
        """Yield the states after ``events`` from ``frame`` to before ``until``, by frame."""
        while True:
            morph_steps = self._morph.due(frame)
            state = self._desk.apply_groups((*events, *morph_steps))[-1]
            if morph_steps:
                self._on_executed(morph_steps, self.clock.time_of(frame), 0.0)
            self.motion.update(state, frame)
            self._morph.update(state, frame)
            yield frame, state
            next_step = min(self._morph.next_frame, until)
            for played_frame, played in self.motion.due(frame, next_step):
                yield played_frame, self._desk.apply_groups(played)[-1]
                self._on_executed(played, self.clock.time_of(played_frame), 0.0)
            if next_step == until:
                return
            events, frame = (), next_step

    def _due(self, first: int, end: int) -> list[_Due]:
        """The events of the frames up to ``end``, in their order; late ones in ``first``."""
        scored = self._score.due(end) if self._score else ()
        follower = self._clock_follower
        clocked = follower.due(first, end, self._desk.snapshot()) if follower else ()
        from_sources = [
            _Due(frame, self._known(events), self.clock.time_of(frame))
            for frame, events in (*scored, *clocked)
        ]
        frame_at = self.clock.frame_at
        scheduled = [
            _Due(max(frame_at(group.time_s), first), self._known(group.events), group.time_s)
            for group in self._pop_due(end)
        ]
        return sorted([*from_sources, *scheduled], key=lambda group: group.frame)

    def _known(self, events: tuple[Event, ...]) -> tuple[Event, ...]:
        """Drop events for controls that the present model lacks; it may have changed meanwhile."""
        if any(isinstance(event, ModelSwitched) for event in events):
            return events
        slots = self._desk.snapshot().table.slots
        kinds = (SetControl, SetGlide)
        return tuple(e for e in events if not isinstance(e, kinds) or e.address in slots)

    def _pop_due(self, before_frame: int) -> list[_TimedGroup]:
        """Remove and return what is due before ``before_frame``, in order of time."""
        while self._arrived:
            heapq.heappush(self._heap, self._arrived.popleft())
        due = []
        while self._heap and self.clock.frame_at(self._heap[0].time_s) < before_frame:
            group = heapq.heappop(self._heap)
            self._left += len(group.events)
            if group.number > self._cleared:
                due.append(group)
        return due
