"""The dispatcher: passes events to the desk and to the features that handle them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from server.controls import replies
from server.controls.desk import Desk
from server.controls.events import Event, SetControl
from server.controls.feature import Expansion, Feature, Handler, Rejection
from server.osc.scheduler import Scheduler


class Dispatcher:
    """Applies events that belong together at once, and calls the features registered for them."""

    def __init__(self, desk: Desk, scheduler: Scheduler, features: Sequence[Feature]) -> None:
        self._desk = desk
        self._scheduler = scheduler
        self._expansions: dict[type[Event], Expansion] = {}
        self._rejections: dict[str | type[Event], Rejection] = {}
        self._handlers: defaultdict[type[Event], list[Handler]] = defaultdict(list)
        for feature in features:
            feature.connect(self)
            _add(self._expansions, feature.expansions())
            _add(self._rejections, feature.rejections())
            for kind, handler in feature.handlers().items():
                self._handlers[kind].append(handler)
        self._follow = [one.follow for one in features if _overrides(one, "follow")]
        self._changed = [one.changed for one in features if _overrides(one, "changed")]

    def __call__(self, events: tuple[Event, ...], time_tag: int | None = None) -> None:
        """Carry out ``events`` together, now or at an NTP time; answer rejected ones."""
        events = self._accepted(tuple(one for event in events for one in self._expanded(event)))
        if time_tag is None or not self._scheduler.defer(events, time_tag):
            self._desk.apply(events)
            self._call_features(events, self._scheduler.time_of(time_tag))

    def carry_out(self, events: tuple[Event, ...]) -> None:
        """Apply events that the server made itself, without expanding or rejecting them."""
        self._desk.apply(events)
        self._call_features(events, self._scheduler.time_of(None))

    def on_executed(self, events: tuple[Event, ...], due_s: float, late_s: float) -> None:
        """Call the features for ``events`` that the timeline applied ``late_s`` after ``due_s``."""
        if late_s:
            self._scheduler.count_late(events, due_s, late_s)
        self._call_features(events, due_s)

    def rejection_reason(self, event: Event, group: tuple[Event, ...] = ()) -> str | None:
        """Return the reason why ``event`` of ``group`` cannot be carried out now, or None."""
        key = event.address if isinstance(event, SetControl) else type(event)
        rejection = self._rejections.get(key)
        return rejection(event, group) if rejection else None

    def _expanded(self, event: Event) -> tuple[Event, ...]:
        expansion = self._expansions.get(type(event))
        return expansion(event) if expansion else (event,)

    def _accepted(self, events: tuple[Event, ...]) -> tuple[Event, ...]:
        """Return the events that can be carried out, and answer the others with ``/fail``."""
        accepted = []
        for event in events:
            if reason := self.rejection_reason(event, events):
                event.answer(replies.fail(self._desk.table.address_of(event), reason))
            else:
                accepted.append(event)
        return tuple(accepted)

    def _call_features(self, events: tuple[Event, ...], at_s: float) -> None:
        for event in events:
            for handle in self._handlers.get(type(event), ()):
                handle(event)
            for follow in self._follow:
                follow(event, at_s)
        for changed in self._changed:
            changed(events)


def _add(table: dict[Any, Any], entries: Mapping[Any, Any]) -> None:
    """Add ``entries``, which no other feature may have registered."""
    assert not table.keys() & entries.keys(), f"registered twice: {table.keys() & entries.keys()}"
    table |= entries


def _overrides(feature: Feature, method: str) -> bool:
    return getattr(type(feature), method) is not getattr(Feature, method)
