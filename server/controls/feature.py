"""A feature: a part of the server that registers handlers for the events it understands.

    events -> expansions -> rejections -> desk -> handlers, follow -> changed
              gestures      impossible            loads, replies      clients of
              to values     now: /fail                                /notify

``server.live.dispatcher`` is built from a list of features and knows only this of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from server.controls.events import Event

Handler = Callable[[Any], None]
"""Called with an event of the type it is registered for, after the desk has applied it."""

Expansion = Callable[[Any], tuple[Event, ...]]
"""Returns the events that an event of its type stands for."""

Rejection = Callable[[Any, tuple[Event, ...]], str | None]
"""Returns the reason why an event cannot be carried out now, or None.

Called with the event and all events of its group, those that arrived together with it.
"""


class EventDispatch(Protocol):
    """Takes the events that features send."""

    def __call__(self, events: tuple[Event, ...], time_tag: int | None = None, /) -> None:
        """Carry out ``events`` together, now or at an NTP time; answer rejected ones."""

    def carry_out(self, events: tuple[Event, ...]) -> None:
        """Apply events that the server made itself, without expanding or rejecting them."""

    def rejection_reason(self, event: Event) -> str | None:
        """Return the reason why ``event`` cannot be carried out now, or None."""


class Feature:
    """Registers nothing; a subclass overrides what it needs."""

    dispatcher: EventDispatch

    def connect(self, dispatcher: EventDispatch) -> None:
        """Use ``dispatcher`` to send events."""
        self.dispatcher = dispatcher

    def handlers(self) -> Mapping[type[Event], Handler]:
        """Return the handlers of the event types it understands."""
        return {}

    def expansions(self) -> Mapping[type[Event], Expansion]:
        """Return the event types that stand for other events."""
        return {}

    def rejections(self) -> Mapping[str | type[Event], Rejection]:
        """Return the controls (by address) and event types that cannot always be carried out."""
        return {}

    def follow(self, event: Event, at_s: float) -> None:
        """Called after the handlers of any event; it was due at ``at_s`` (Unix time)."""

    def changed(self, events: tuple[Event, ...]) -> None:
        """Called after all handlers of ``events``, which were carried out together."""

    def expand(self, event: Event) -> tuple[Event, ...]:
        """Return the events that ``event`` stands for in this feature; else ``event`` itself."""
        expansion = self.expansions().get(type(event))
        return expansion(event) if expansion else (event,)
