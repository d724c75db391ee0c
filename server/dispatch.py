"""Events of the hands to where they belong: values to the desk, questions to their answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import metadata

from server import replies
from server.deck_loader import DeckLoader
from server.desk import Desk
from server.events import (
    Event,
    LoadDeck,
    Query,
    Quit,
    StatusRequest,
    SyncRequest,
    VersionRequest,
)
from server.replies import Argument, Reply

PROGRAM = "latent-deck"


class Dispatcher:
    """An ``EventSink``; what belongs together reaches the desk as one."""

    def __init__(
        self,
        desk: Desk,
        loader: DeckLoader,
        status: Callable[[], Mapping[str, Argument]],
        quit_program: Callable[[], None],
    ) -> None:
        self._desk = desk
        self._loader = loader
        self._status = status
        self._quit_program = quit_program

    def __call__(self, events: tuple[Event, ...]) -> None:
        """Take in one packet's events."""
        self._desk.apply(events)
        for event in events:
            self._answer(event)

    def _answer(self, event: Event) -> None:
        match event:
            case Query(address=address):
                _reply(event, self._desk.answer(address))
            case StatusRequest():
                _reply(event, replies.status(self._status()))
            case VersionRequest():
                _reply(event, replies.version(PROGRAM, metadata.version(PROGRAM)))
            case SyncRequest(number=number):
                _reply(event, replies.synced(number))
            case LoadDeck():
                self._load(event)
            case Quit():
                _reply(event, replies.done("/quit"))
                self._quit_program()

    def _load(self, event: LoadDeck) -> None:
        command = f"/deck/{event.deck}/load"

        def then(failure: str | None) -> None:
            if failure is None:
                _reply(event, replies.done(command, event.source))
            else:
                _reply(event, replies.fail(command, failure))

        self._loader.load(event.deck, event.source, then)


def _reply(event: Event, reply: Reply) -> None:
    if event.reply_to is not None:
        event.reply_to.reply(reply)
