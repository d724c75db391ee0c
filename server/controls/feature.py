"""A feature: a part of the server that understands some events, and registers what it does.

    events -> expansions -> rejections -> desk -> handlers, follow -> changed
              a gesture     why not now           answers, loads     who is notified
              into values

``server.live.dispatcher`` is built from a list of features and knows no more of them than this.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from server.controls.events import Event

Handler = Callable[[Any], None]
"""Called with an event of the type that it is registered for, once the desk has applied it."""

Expansion = Callable[[Any], tuple[Event, ...]]
"""The events that an event of its type stands for."""

Rejection = Callable[[Any, tuple[Event, ...]], str | None]
"""Called with an event and all that arrived with it: why it cannot be carried out now, or None."""


class EventDispatch(Protocol):
    """What features send events to."""

    def __call__(self, events: tuple[Event, ...], time_tag: int | None = None, /) -> None:
        """Carry out ``events`` together, now or at an NTP time; rejected ones are answered."""

    def carry_out(self, events: tuple[Event, ...]) -> None:
        """Apply events that the instrument made itself: not expanded, and never rejected."""

    def rejection_reason(self, event: Event) -> str | None:
        """Why ``event`` cannot be carried out now, or None."""


class Feature:
    """Registers nothing by default; a feature overrides what it needs."""

    dispatcher: EventDispatch

    def connect(self, dispatcher: EventDispatch) -> None:
        """Send events to ``dispatcher`` from now on."""
        self.dispatcher = dispatcher

    def handlers(self) -> Mapping[type[Event], Handler]:
        """The event types it handles."""
        return {}

    def expansions(self) -> Mapping[type[Event], Expansion]:
        """The event types that stand for other events."""
        return {}

    def rejections(self) -> Mapping[str | type[Event], Rejection]:
        """Controls (by address) and event types that cannot always be carried out."""
        return {}

    def follow(self, event: Event, at_s: float) -> None:
        """Any event was carried out; it was meant for ``at_s`` of the system's clock."""

    def changed(self, events: tuple[Event, ...]) -> None:
        """``events`` were carried out together, and their handlers have run."""

    def expand(self, event: Event) -> tuple[Event, ...]:
        """``event``, or the events that it stands for here."""
        expansion = self.expansions().get(type(event))
        return expansion(event) if expansion else (event,)
