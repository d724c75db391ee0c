"""Requests to the server itself: status, version, sync, quit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import metadata

from server.controls import replies
from server.controls.events import Event, Quit, StatusRequest, SyncRequest, VersionRequest
from server.controls.feature import Feature, Handler
from server.controls.replies import Argument

PROGRAM = "latent-deck"


class Service(Feature):
    """Answers the requests."""

    def __init__(
        self, status: Callable[[], Mapping[str, Argument]], end: Callable[[], None]
    ) -> None:
        """``status`` returns the figures of ``/status.reply``; ``end`` ends the program."""
        self._status = status
        self._end = end

    def handlers(self) -> Mapping[type[Event], Handler]:
        """``/status``, ``/version``, ``/sync`` and ``/quit``."""
        return {
            StatusRequest: lambda event: event.answer(replies.status(self._status())),
            VersionRequest: self._on_version,
            SyncRequest: lambda event: event.answer(replies.synced(event.number)),
            Quit: self._on_quit,
        }

    def _on_version(self, event: VersionRequest) -> None:
        event.answer(replies.version(PROGRAM, metadata.version(PROGRAM)))

    def _on_quit(self, event: Quit) -> None:
        event.answer(replies.done("/quit"))
        self._end()
