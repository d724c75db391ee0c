"""What is asked for the decks, carried out, and told: to who asked, to who listens, and shown."""

from __future__ import annotations

from collections.abc import Callable

from export.audio.model_input import Captured
from export.audio.sequence import Progress
from server.controls import replies
from server.controls.events import CancelDeck, CaptureDeck, DeckLoaded, LoadDeck
from server.controls.notify import Notifier
from server.controls.replies import Argument, Reply
from server.decks.loader import DeckLoader
from server.input.live_input import InputError
from server.system.callbacks import Then
from server.system.progress_bar import ProgressBar

Capture = Callable[[float], Captured]
"""Gives the last seconds of live input; raises ``InputError`` where that cannot be."""


class DeckCommands:
    """Used by the thread of the event loop."""

    def __init__(self, loader: DeckLoader, notifier: Notifier, capture: Capture) -> None:
        self._loader = loader
        self._notifier = notifier
        self._capture = capture

    def carry_out(self, event: LoadDeck | CaptureDeck | CancelDeck | DeckLoaded) -> None:
        """Do what ``event`` says; the answer may come later."""
        match event:
            case LoadDeck(deck=deck, source=source):
                then, progress = self._answers(event, "load", source)
                self._loader.load(deck, source, then, progress=progress)
            case CaptureDeck(deck=deck, seconds=seconds):
                self._capture_onto(event, deck, seconds)
            case CancelDeck(deck=deck):
                stopped = self._loader.cancel(deck)
                event.answer(replies.done(f"/deck/{deck}/cancel", int(stopped)))
            case DeckLoaded(deck=deck, source=source):
                self._loader.supersede(deck)
                self._notifier.tell(Reply(f"/deck/{deck}/load", (source,)), event.reply_to)

    def _capture_onto(self, event: CaptureDeck, deck: str, seconds: float) -> None:
        then, progress = self._answers(event, "capture", seconds)
        try:
            captured = self._capture(seconds)
        except InputError as error:
            then(str(error))
            return
        self._loader.capture(deck, captured, then, progress)

    def _answers(
        self, event: LoadDeck | CaptureDeck, verb: str, argument: Argument
    ) -> tuple[Then, Progress]:
        """Whom to tell when it is over, and meanwhile."""
        command, sender = f"/deck/{event.deck}/{verb}", event.reply_to
        bar = ProgressBar(f"deck {event.deck}: {verb} {argument}")

        def then(failure: str | None) -> None:
            event.answer(replies.outcome(command, argument, failure))
            if failure is None:
                self._notifier.tell(Reply(command, (argument,)), sender)

        def progress(share: float) -> None:
            told = replies.progress(event.deck, share)
            event.answer(told)
            self._notifier.tell(told, sender)
            bar(share)

        return then, progress
