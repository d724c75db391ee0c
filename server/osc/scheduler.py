"""Time tags of OSC bundles: events wait for their time, or run now if it is past or too far ahead.

due within 60 s         wait in the timeline for their frame
already past            run now; counted; /late to the sender, at most once a second
more than 60 s ahead    run now; counted and logged: one of two clocks must be wrong
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

MAX_AHEAD_S = 60.0
LATE_INTERVAL_S = 1.0
"""The least time between two ``/late`` to one sender."""
_MAX_SENDERS = 64
"""Senders whose last ``/late`` is remembered."""


class Scheduler(Feature):
    """Puts events with a time tag into the timeline; used by the event loop's thread.

    ``late`` and ``far_ahead`` count messages that did not run at their time.
    """

    def __init__(self, timeline: Timeline, now_s: Callable[[], float] = time.time) -> None:
        self.late = 0
        self.far_ahead = 0
        self._timeline = timeline
        self._now_s = now_s
        self._log = LimitedLog(logger)
        self._late_reports: dict[Sender, _LateReport] = {}

    @property
    def waiting(self) -> int:
        """The number of messages that wait for their time."""
        return self._timeline.waiting

    def handlers(self) -> Mapping[type[Event], Handler]:
        """A panic, which discards everything that waits."""
        return {Panic: lambda event: self._timeline.clear()}

    def time_of(self, time_tag: int | None) -> float:
        """Return the Unix time of a time tag; now without one."""
        now_s = self._now_s()
        return now_s if time_tag is None else unix_s(time_tag, now_s)

    def defer(self, events: tuple[Event, ...], time_tag: int) -> bool:
        """Keep ``events`` until their time; return False if the caller must run them now.

        If too many messages wait already, they are rejected and answered instead.
        """
        now_s, due_s = self._now_s(), self.time_of(time_tag)
        if due_s - now_s > MAX_AHEAD_S:
            self.far_ahead += len(events)
            self._log.warning(
                f"a time tag {due_s - now_s:.0f} s ahead (at most {MAX_AHEAD_S:g}) was carried out "
                "now; check the clocks of the sender and of this machine"
            )
            return False
        if late_s := self._timeline.late_s(due_s):
            self.count_late(events, due_s, late_s)
            return False
        try:
            self._timeline.schedule(due_s, events)
        except TimelineFull as error:
            _answer(events, replies.fail("#bundle", str(error)))
        return True

    def count_late(self, events: tuple[Event, ...], due_s: float, late_s: float) -> None:
        """Count ``events`` that run ``late_s`` after ``due_s``, and send ``/late``."""
        self.late += len(events)
        sender = next((event.reply_to for event in events if event.reply_to), None)
        if sender is None:
            return
        report = self._late_reports.pop(sender, None) or _LateReport()
        self._late_reports[sender] = report
        while len(self._late_reports) > _MAX_SENDERS:
            self._late_reports.pop(next(iter(self._late_reports)))
        report.unsent += len(events)
        now_s = self._now_s()
        if not 0 <= now_s - report.sent_s < LATE_INTERVAL_S:
            due, ran = tag_of(due_s), tag_of(due_s + late_s)
            sender.reply(replies.late(due, ran, late_s, report.unsent))
            report.sent_s, report.unsent = now_s, 0


class _LateReport:
    """When ``/late`` was last sent to a sender, and its late messages since then."""

    def __init__(self) -> None:
        self.sent_s = -float("inf")
        self.unsent = 0


def _answer(events: tuple[Event, ...], reply: replies.Reply) -> None:
    sender = next((event.reply_to for event in events if event.reply_to), None)
    if sender is not None:
        sender.reply(reply)
