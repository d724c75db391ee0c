"""Commands that load decks: library decks at once, files and captures through the encoder.

/deck/a/load   library deck -----------------------> engine, /done
               file  --> encoder process --> deck --> engine, /done
                            '-> /deck/a/progress
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from export.audio.model_input import Captured
from export.audio.sequence import Progress
from export.bundle.format import Bundle, BundleDeck
from server.controls import replies
from server.controls.addresses import BYPASS, DECKS
from server.controls.events import (
    CancelDeck,
    CaptureDeck,
    DeckLoaded,
    Event,
    LoadDeck,
    ModelSwitched,
    SetControl,
)
from server.controls.feature import Feature, Handler, Rejection
from server.controls.notify import NotifyClients
from server.controls.playing import Playing
from server.controls.replies import Argument, Reply
from server.decks.encoder_worker import Failed, Finished, Progressed, Report
from server.decks.encoding import Source
from server.decks.media import MediaError, media_file
from server.engine.deck import library_deck
from server.input.live_input import InputError
from server.system.callbacks import Then
from server.system.progress_bar import ProgressBar

CANCELLED = "cancelled"
SUPERSEDED = "replaced by a newer load of this deck"
ANOTHER_MODEL = "another model was loaded meanwhile; load it again"
INTENDED_FAILURES = (CANCELLED, SUPERSEDED, ANOTHER_MODEL)
"""Failures that somebody asked for."""

_PROGRESS_STEPS = 100
"""Progress is reported in this many steps at most."""

Capture = Callable[[float], Captured]
"""Returns the last seconds of live input.

Raises:
    InputError: there is no live input.
"""


class BackgroundEncoder(Protocol):
    """Encodes in the background."""

    def submit(self, source: Source) -> int:
        """Queue a file or a capture; return the ticket that is in every report about it."""

    def cancel(self, ticket: int) -> None:
        """Drop this one, or stop encoding it; nothing more is reported about it."""

    def stop(self) -> None:
        """End the encoder; nothing more is reported."""


StartEncoder = Callable[[Bundle, Callable[[Report], None]], BackgroundEncoder]
"""Starts the encoder of a bundle; it reports in the event loop's thread."""


@dataclass
class _PendingLoad:
    """A load that waits for the encoder; ``source`` is the name that the deck keeps."""

    sound: Source
    source: str
    ticket: int
    then: Then
    progress: Progress
    reported_step: int = -1

    def advance(self, share: float) -> None:
        step = int(share * _PROGRESS_STEPS)
        if step > self.reported_step:
            self.reported_step = step
            self.progress(share)


class DeckCommands(Feature):
    """Loads and captures decks; used by the event loop's thread.

    The newest load of a deck wins: an older one that is still being encoded is cancelled, and
    fails.
    """

    def __init__(
        self,
        playing: Playing,
        media: Path,
        start_encoder: StartEncoder,
        capture: Capture,
        notify: NotifyClients,
    ) -> None:
        """``media`` is the folder that OSC may load from."""
        self._playing = playing
        self._media = media
        self._start_encoder = start_encoder
        self._capture = capture
        self._notify = notify
        self._pending: dict[str, _PendingLoad] = {}
        self._read_model()

    def handlers(self) -> Mapping[type[Event], Handler]:
        """Loads and captures; decks loaded by a score; changes of model."""
        return {
            LoadDeck: self._on_load,
            CaptureDeck: self._on_capture,
            CancelDeck: self._on_cancel,
            DeckLoaded: self._on_loaded,
            ModelSwitched: self._on_model,
        }

    def rejections(self) -> Mapping[str | type[Event], Rejection]:
        """Bypass of a deck without a recording."""
        return {f"/deck/{deck}/{BYPASS}": self._bypass_rejection for deck in DECKS}

    def load(
        self,
        deck: str,
        source: str,
        then: Then,
        trusted: bool = False,
        progress: Progress = lambda share: None,
    ) -> None:
        """Load ``source`` onto ``deck``, and call ``then``; a ``trusted`` file may be anywhere."""
        if source in self._library:
            self._supersede(deck)
            self._playing.newest.engine.put_deck(deck, library_deck(self._library[source]))
            then(None)
            return
        try:
            path = Path(source) if trusted else media_file(source, self._media, self._library)
        except MediaError as error:
            then(str(error))
            return
        source_name = str(path.resolve()) if trusted else source
        self._encode(deck, path, source_name, then, progress)

    def take(self, report: Report) -> None:
        """Handle a report of the encoder; ignore one about a cancelled load."""
        deck = next((d for d, one in self._pending.items() if one.ticket == report.ticket), None)
        if deck is None:
            return
        match report:
            case Progressed(share=share):
                self._pending[deck].advance(share)
            case Failed(reason=reason):
                self._pending.pop(deck).then(reason)
            case Finished(deck=data):
                load = self._pending.pop(deck)
                captured = load.sound if isinstance(load.sound, Captured) else None
                loaded = replace(data, source=load.source, captured=captured)
                self._playing.newest.engine.put_deck(deck, loaded)
                load.then(None)

    def stop(self) -> None:
        """End the encoder process; may be called twice."""
        self._encoder.stop()

    def _read_model(self) -> None:
        """Use the library of the model that plays, and start its encoder."""
        bundle = self._playing.newest.bundle
        self._library: Mapping[str, BundleDeck] = bundle.decks

        def take(report: Report) -> None:
            if self._encoder is encoder:  # not that of the previous model
                self.take(report)

        self._encoder = encoder = self._start_encoder(bundle, take)

    def _on_model(self, event: ModelSwitched) -> None:
        """Change to the library and encoder of another model; loads in progress fail."""
        self._encoder.stop()
        pending, self._pending = self._pending, {}
        self._read_model()
        for load in pending.values():
            load.then(ANOTHER_MODEL)

    def _on_load(self, event: LoadDeck) -> None:
        then, progress = self._answers(event, "load", event.source)
        self.load(event.deck, event.source, then, progress=progress)

    def _on_capture(self, event: CaptureDeck) -> None:
        then, progress = self._answers(event, "capture", event.seconds)
        try:
            captured = self._capture(event.seconds)
        except InputError as error:
            then(str(error))
            return
        # A capture has no source that could be loaded again.
        self._encode(event.deck, captured, "", then, progress)

    def _on_cancel(self, event: CancelDeck) -> None:
        was_loading = self._drop(event.deck, CANCELLED)
        event.answer(replies.done(f"/deck/{event.deck}/cancel", int(was_loading)))

    def _on_loaded(self, event: DeckLoaded) -> None:
        self._supersede(event.deck)
        self._notify(Reply(f"/deck/{event.deck}/load", (event.source,)), event.reply_to)

    def _bypass_rejection(self, event: SetControl, group: tuple[Event, ...]) -> str | None:
        deck = event.address.split("/")[2]
        engine = self._playing.newest.engine
        return engine.bypass_unavailable_reason(deck) if any(event.values) else None

    def _answers(
        self, event: LoadDeck | CaptureDeck, verb: str, argument: Argument
    ) -> tuple[Then, Progress]:
        """Return the callbacks that report the end of a load and its progress."""
        command, sender = f"/deck/{event.deck}/{verb}", event.reply_to
        bar = ProgressBar(f"deck {event.deck}: {verb} {argument}")

        def then(failure: str | None) -> None:
            event.answer(replies.outcome(command, argument, failure))
            if failure is None:
                self._notify(Reply(command, (argument,)), sender)

        def progress(share: float) -> None:
            reply = replies.progress(event.deck, share)
            event.answer(reply)
            self._notify(reply, sender)
            bar(share)

        return then, progress

    def _encode(
        self, deck: str, sound: Source, source: str, then: Then, progress: Progress
    ) -> None:
        """Encode ``sound`` for ``deck``; ``source`` is the name that the deck keeps."""
        self._supersede(deck)
        load = _PendingLoad(sound, source, self._encoder.submit(sound), then, progress)
        self._pending[deck] = load
        load.advance(0.0)

    def _supersede(self, deck: str) -> None:
        """Cancel a load in progress because of a newer one."""
        self._drop(deck, SUPERSEDED)

    def _drop(self, deck: str, reason: str) -> bool:
        """Stop a load in progress; ``deck`` keeps its music. Return True if there was one."""
        load = self._pending.pop(deck, None)
        if load is None:
            return False
        self._encoder.cancel(load.ticket)
        load.then(reason)
        return True
