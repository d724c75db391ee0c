"""Changes at their time: the desk as the engine sees it, with what is due cut in at its frame.

    dispatch -> schedule(time, events) --.
                                          heap by time -- due in this block? --.
    engine ---> segments(frames) --------------------------------------------> desk.apply_groups

    block of 8 frames, /interp 0.5 due in its third:   | S0 S0 | S1 S1 S1 S1 S1 S1 |

A time is when the change shall be heard, as a time tag of SuperCollider means it: the
``SampleClock`` counts ring, device and synthesis in. The error is at most half a hop frame of
its line, whatever the size of a block and whether it acts before the synthesis or behind it
(``server.engine.output_stage``). What waits is in order of time, and is mapped to a frame only when
its block is rendered, so clocks that drift cannot change the order. What a score
(``server.score.player``), the motion recorder (``motion``) and a morph (``morph``) set is cut in at
its frames likewise.
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
"""Told, in the engine's thread, what was carried out, when it was due, and how late (s)."""


class TimelineFull(RuntimeError):
    """Too many messages wait for their time."""


@dataclass(frozen=True, order=True)
class _TimedGroup:
    """Due at ``time_s``; what is due at one time keeps its order by ``number``."""

    time_s: float
    number: int
    events: tuple[Event, ...]


@dataclass(frozen=True)
class _Due:
    """What begins in ``frame``, and when it was to be heard."""

    frame: int
    events: tuple[Event, ...]
    time_s: float


class ScoreEvents(Protocol):
    """A score, read in the engine's thread."""

    def due(self, before_frame: int) -> Sequence[tuple[int, tuple[Event, ...]]]:
        """What happens before ``before_frame`` and has not yet, in order, with its frames."""


class ClockEvents(Protocol):
    """A clock that is followed, asked in the engine's thread."""

    def due(self, first: int, end: int, state: Snapshot) -> Sequence[tuple[int, tuple[Event, ...]]]:
        """What happens in the frames from ``first`` to before ``end``, which begin in ``state``."""


StateObserver = Callable[[Sequence[tuple[int, Snapshot]], int], None]
"""Told, in the engine's thread, each block's states with their frames, and where it ends."""


class Timeline:
    """A ``SnapshotSource``; ``segments`` is the engine thread's, the rest is the hands'.

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
        self._cues: ScoreEvents | None = None
        self._conductor: ClockEvents | None = None
        self._ear: StateObserver = lambda moments, next_frame: None
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
        """By how much it is too late for a change to be heard at ``time_s``; 0 if it is not.

        Less than a frame is in time: by as much the line moves when it follows the clocks.
        """
        behind_s = self.clock.time_of(self.next_frame) - time_s
        return behind_s if behind_s > self.clock.frame_s else 0.0

    def schedule(self, time_s: float, events: tuple[Event, ...]) -> None:
        """Carry out ``events`` together so that they are heard at ``time_s``.

        Raises:
            TimelineFull: too much is waiting; none of it is taken.
        """
        if self.waiting + len(events) > MAX_WAITING:
            raise TimelineFull(
                f"{self.waiting} messages wait for their time and {len(events)} more are too many;"
                f" at most {MAX_WAITING} may wait: send them closer to their time"
            )
        self._entered += len(events)
        self._numbered += 1
        self._arrived.append(_TimedGroup(time_s, self._numbered, events))

    def play(self, cues: ScoreEvents) -> None:
        """Play a score from frame 0 on; before the engine starts."""
        self._cues = cues

    def follow(self, conductor: ClockEvents) -> None:
        """Let ``conductor`` keep the beat; before the engine starts."""
        self._conductor = conductor

    def tell(self, ear: StateObserver) -> None:
        """Let ``ear`` hear all that is played; before the engine starts."""
        self._ear = ear

    def report_to(self, on_executed: OnExecuted) -> None:
        """Call ``on_executed`` with what was carried out; before the engine starts."""
        self._on_executed = on_executed

    def clear(self) -> None:
        """Forget everything that waits."""
        self._cleared = self._numbered

    def snapshot(self) -> Snapshot:
        """The newest state; never blocks."""
        return self._desk.snapshot()

    def segments(self, frames: int) -> tuple[Segment, ...]:
        """The states of the next ``frames`` frames, each with how many frames it holds."""
        first, end = self.next_frame, self.next_frame + frames
        due = self._due(first, end)
        moments = list(self._until((), first, due[0].frame if due else end))
        for one, until in zip(due, [*(one.frame for one in due[1:]), end], strict=False):
            moments += self._until(one.events, one.frame, until)
            self._on_executed(one.events, one.time_s, self.late_s(one.time_s))
        self.next_frame = end
        self._ear(moments, end)
        ends = [frame for frame, _ in moments[1:]] + [end]
        return tuple(
            Segment(state, until - start)
            for (start, state), until in zip(moments, ends, strict=True)
            if until > start
        )

    def _until(
        self, events: tuple[Event, ...], frame: int, until: int
    ) -> Iterator[tuple[int, Snapshot]]:
        """The states after ``events`` from ``frame`` to before ``until``, each with its frame."""
        while True:
            slides = self._morph.due(frame)
            state = self._desk.apply_groups((*events, *slides))[-1]
            if slides:
                self._on_executed(slides, self.clock.time_of(frame), 0.0)
            self.motion.hear(state, frame)
            self._morph.hear(state, frame)
            yield frame, state
            next_slide = min(self._morph.next_frame, until)
            for at, played in self.motion.due(frame, next_slide):
                yield at, self._desk.apply_groups(played)[-1]
                self._on_executed(played, self.clock.time_of(at), 0.0)
            if next_slide == until:
                return
            events, frame = (), next_slide

    def _due(self, first: int, end: int) -> list[_Due]:
        """What belongs into the frames up to ``end``, in their order; late ones into ``first``."""
        scored = self._cues.due(end) if self._cues else ()
        led = self._conductor.due(first, end, self._desk.snapshot()) if self._conductor else ()
        of_others = [
            _Due(frame, self._known(events), self.clock.time_of(frame))
            for frame, events in (*scored, *led)
        ]
        of_hands = [
            _Due(max(self.clock.frame_at(one.time_s), first), self._known(one.events), one.time_s)
            for one in self._waited(end)
        ]
        return sorted([*of_others, *of_hands], key=lambda one: one.frame)

    def _known(self, events: tuple[Event, ...]) -> tuple[Event, ...]:
        """Those that the model of now has a control for: another one may play meanwhile."""
        if any(isinstance(event, ModelSwitched) for event in events):
            return events
        slots = self._desk.snapshot().table.slots
        kinds = (SetControl, SetGlide)
        return tuple(e for e in events if not isinstance(e, kinds) or e.address in slots)

    def _waited(self, before_frame: int) -> list[_TimedGroup]:
        """What has waited for frames before ``before_frame``, in order of time."""
        while self._arrived:
            heapq.heappush(self._heap, self._arrived.popleft())
        due = []
        while self._heap and self.clock.frame_at(self._heap[0].time_s) < before_frame:
            one = heapq.heappop(self._heap)
            self._left += len(one.events)
            if one.number > self._cleared:
                due.append(one)
        return due
