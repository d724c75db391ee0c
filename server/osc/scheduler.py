"""What a time tag asks for: wait for its time, or run now because it is late or makes no sense.

due within 60 s         waits in the timeline for its frame
too late to be heard    runs now; counted; /late to the sender, at most once a second
more than 60 s ahead    runs now; counted and logged: one of two clocks is wrong
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping

from server.controls import replies
from server.controls.events import Event, Panic, Sender
from server.controls.feature import Feature, Handler
from server.controls.timeline import Timeline, TimelineFull
from server.osc.time_tags import time_tag as tag_of
from server.osc.time_tags import unix_s
from server.system.log_limit import LimitedLog

logger = logging.getLogger(__name__)

FURTHEST_S = 60.0
LATE_INTERVAL_S = 1.0
"""Between two ``/late`` to one sender."""
_REMEMBERED = 64
"""Senders whose last ``/late`` is remembered."""


class Scheduler(Feature):
    """Sorts timed events; used by the thread of the event loop.

    ``late`` and ``far`` count messages that did not run at their time.
    """

    def __init__(self, timeline: Timeline, now_s: Callable[[], float] = time.time) -> None:
        self.late = 0
        self.far = 0
        self._timeline = timeline
        self._now_s = now_s
        self._log = LimitedLog(logger)
        self._told: dict[Sender, _Told] = {}

    @property
    def waiting(self) -> int:
        """Messages whose time has not come."""
        return self._timeline.waiting

    def handlers(self) -> Mapping[type[Event], Handler]:
        """A panic forgets everything that waits."""
        return {Panic: lambda event: self._timeline.clear()}

    def time_of(self, time_tag: int | None) -> float:
        """When something is meant to happen, in s of the system's clock; now without a time tag."""
        now_s = self._now_s()
        return now_s if time_tag is None else unix_s(time_tag, now_s)

    def runs_now(self, events: tuple[Event, ...], time_tag: int) -> bool:
        """Whether ``events`` are to run at once; else they are taken care of."""
        now_s, due_s = self._now_s(), self.time_of(time_tag)
        if due_s - now_s > FURTHEST_S:
            self.far += len(events)
            self._log.warning(
                f"a time tag {due_s - now_s:.0f} s ahead (at most {FURTHEST_S:g}) was carried out "
                "now: set the sender's clock and this machine's right"
            )
            return True
        if late_s := self._timeline.late_s(due_s):
            self.was_late(events, due_s, late_s)
            return True
        try:
            self._timeline.schedule(due_s, events)
        except TimelineFull as error:
            _answer(events, replies.fail("#bundle", str(error)))
        return False

    def was_late(self, events: tuple[Event, ...], due_s: float, late_s: float) -> None:
        """Count what runs ``late_s`` after its time ``due_s``, and tell its sender."""
        self.late += len(events)
        sender = next((event.reply_to for event in events if event.reply_to), None)
        if sender is None:
            return
        told = self._told.pop(sender, None) or _Told()
        self._told[sender] = told
        while len(self._told) > _REMEMBERED:
            self._told.pop(next(iter(self._told)))
        told.untold += len(events)
        now_s = self._now_s()
        if not 0 <= now_s - told.at_s < LATE_INTERVAL_S:
            due, ran = tag_of(due_s), tag_of(due_s + late_s)
            sender.reply(replies.late(due, ran, late_s, told.untold))
            told.at_s, told.untold = now_s, 0


class _Told:
    """When a sender was last told of being late, and of how many messages it was not."""

    def __init__(self) -> None:
        self.at_s = -float("inf")
        self.untold = 0


def _answer(events: tuple[Event, ...], reply: replies.Reply) -> None:
    sender = next((event.reply_to for event in events if event.reply_to), None)
    if sender is not None:
        sender.reply(reply)
