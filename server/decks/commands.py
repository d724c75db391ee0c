"""Loads decks: library decks at once, files and captures through the encoder's process.

/deck/a/load   library deck -------------------------> engine, /done
               file  --> encoder's process --> deck --> engine, /done
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
from server.controls.notify import Tell
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
OVERTAKEN = "something newer was loaded onto this deck meanwhile"
ANOTHER_MODEL = "another model was loaded meanwhile; load it again"
INTENDED_FAILURES = (CANCELLED, OVERTAKEN, ANOTHER_MODEL)
"""Failures that somebody asked for."""

_PROGRESS_STEPS = 100
"""The most often that the progress of one load is reported."""

Capture = Callable[[float], Captured]
"""The last seconds of live input.

Raises:
    InputError: there are none.
"""


class BackgroundEncoder(Protocol):
    """Encodes in the background."""

    def submit(self, source: Source) -> int:
        """Queue a file or a capture; the ticket is in every report about it."""

    def cancel(self, ticket: int) -> None:
        """Do not encode this one, or stop; nothing more is reported about it."""

    def stop(self) -> None:
        """End; nothing more is reported."""


StartEncoder = Callable[[Bundle, Callable[[Report], None]], BackgroundEncoder]
"""Starts the encoder of a bundle, which reports in the thread of the event loop."""


@dataclass
class _PendingLoad:
    """A load that waits for the encoder."""

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
    """Used by the thread of the event loop.

    The newest load of a deck wins: an older one that is still being encoded is cancelled, and
    fails.
    """

    def __init__(
        self,
        playing: Playing,
        media: Path,
        start_encoder: StartEncoder,
        capture: Capture,
        tell: Tell,
    ) -> None:
        """``media`` is the folder that OSC may load from; ``tell`` notifies clients."""
        self._playing = playing
        self._media = media
        self._start_encoder = start_encoder
        self._capture = capture
        self._tell = tell
        self._pending: dict[str, _PendingLoad] = {}
        self._begin()

    def handlers(self) -> Mapping[type[Event], Handler]:
        """Loads, captures, and changes of model."""
        return {
            LoadDeck: self._on_load,
            CaptureDeck: self._on_capture,
            CancelDeck: self._on_cancel,
            DeckLoaded: self._on_loaded,
            ModelSwitched: self._on_model,
        }

    def rejections(self) -> Mapping[str | type[Event], Rejection]:
        """A deck without its recording cannot be bypassed."""
        return {f"/deck/{deck}/{BYPASS}": self._bypass_rejection for deck in DECKS}

    def load(
        self,
        deck: str,
        source: str,
        then: Then,
        trusted: bool = False,
        progress: Progress = lambda share: None,
    ) -> None:
        """Load ``source`` onto ``deck``; a trusted one may be a file anywhere."""
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
        kept = str(path.resolve()) if trusted else source
        self._encode(deck, path, kept, then, progress)

    def take(self, report: Report) -> None:
        """A report of the encoder; one about a load that was cancelled is passed over."""
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
                put = replace(data, source=load.source, captured=captured)
                self._playing.newest.engine.put_deck(deck, put)
                load.then(None)

    def stop(self) -> None:
        """End the encoder's process; may be called twice."""
        self._encoder.stop()

    def _begin(self) -> None:
        """Take library and encoder of the model that plays."""
        bundle = self._playing.newest.bundle
        self._library: Mapping[str, BundleDeck] = bundle.decks

        def take(report: Report) -> None:
            if self._encoder is encoder:  # not one of the model before
                self.take(report)

        self._encoder = encoder = self._start_encoder(bundle, take)

    def _on_model(self, event: ModelSwitched) -> None:
        """Another model plays, with its library and encoder; what is being encoded fails."""
        self._encoder.stop()
        pending, self._pending = self._pending, {}
        self._begin()
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
        # It has no source that others could load.
        self._encode(event.deck, captured, "", then, progress)

    def _on_cancel(self, event: CancelDeck) -> None:
        stopped = self._drop(event.deck, CANCELLED)
        event.answer(replies.done(f"/deck/{event.deck}/cancel", int(stopped)))

    def _on_loaded(self, event: DeckLoaded) -> None:
        self._supersede(event.deck)
        self._tell(Reply(f"/deck/{event.deck}/load", (event.source,)), event.reply_to)

    def _bypass_rejection(self, event: SetControl, among: tuple[Event, ...]) -> str | None:
        deck = event.address.split("/")[2]
        engine = self._playing.newest.engine
        return engine.bypass_unavailable_reason(deck) if any(event.values) else None

    def _answers(
        self, event: LoadDeck | CaptureDeck, verb: str, argument: Argument
    ) -> tuple[Then, Progress]:
        """What reports the end of a load, and its progress."""
        command, sender = f"/deck/{event.deck}/{verb}", event.reply_to
        bar = ProgressBar(f"deck {event.deck}: {verb} {argument}")

        def then(failure: str | None) -> None:
            event.answer(replies.outcome(command, argument, failure))
            if failure is None:
                self._tell(Reply(command, (argument,)), sender)

        def progress(share: float) -> None:
            reply = replies.progress(event.deck, share)
            event.answer(reply)
            self._tell(reply, sender)
            bar(share)

        return then, progress

    def _encode(
        self, deck: str, sound: Source, source: str, then: Then, progress: Progress
    ) -> None:
        """Load ``sound`` once it is encoded; ``source`` is the name that it keeps."""
        self._supersede(deck)
        load = _PendingLoad(sound, source, self._encoder.submit(sound), then, progress)
        self._pending[deck] = load
        load.advance(0.0)

    def _supersede(self, deck: str) -> None:
        """Something newer comes onto ``deck``."""
        self._drop(deck, OVERTAKEN)

    def _drop(self, deck: str, reason: str) -> bool:
        """Stop what is being loaded onto ``deck``, which keeps what it has; False if nothing is."""
        load = self._pending.pop(deck, None)
        if load is None:
            return False
        self._encoder.cancel(load.ticket)
        load.then(reason)
        return True
