"""Commands that load decks: library decks at once, files and captures through the encoder.

/deck/a/load   library deck --------------------------> engine, /done
               file  --> encoder process --> deck ----> engine, /done
                            |-> its recording, at once -> engine    (``heard``)
                            '-> /deck/a/progress
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Protocol

from export.audio.model_input import Captured
from export.audio.sequence import Progress
from export.bundle.format import Bundle, BundleDeck
from server.controls import replies
from server.controls.addresses import BYPASS, DECKS
from server.controls.events import (
    AskProgress,
    CancelDeck,
    CaptureDeck,
    DeckLoaded,
    Event,
    HearDeck,
    LoadDeck,
    ModelSwitched,
    SetControl,
)
from server.controls.feature import Feature, Handler, Rejection
from server.controls.notify import NotifyClients
from server.controls.playing import Playing
from server.controls.replies import Argument, Reply
from server.decks.media import MediaError, media_file
from server.decks.pending_load import PendingLoad
from server.decks.reading import Source, needs_encoder
from server.decks.reports import Failed, Finished, Heard, Progressed, Report
from server.engine.deck import DeckData, library_deck, silent_deck, unencoded_deck
from server.input.live_input import InputError
from server.system.callbacks import Then
from server.system.progress_bar import ProgressBar

CANCELLED = "cancelled"
SUPERSEDED = "replaced by a newer load of this deck"
ANOTHER_MODEL = "another model was loaded meanwhile; load it again"
INTENDED_FAILURES = (CANCELLED, SUPERSEDED, ANOTHER_MODEL)
"""Failures that somebody asked for."""

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
        self._pending: dict[str, PendingLoad] = {}
        self._read_model()

    def handlers(self) -> Mapping[type[Event], Handler]:
        """Loads and captures; decks loaded by a score; changes of model."""
        return {
            LoadDeck: self._on_load,
            CaptureDeck: self._on_capture,
            CancelDeck: self._on_cancel,
            AskProgress: self._on_progress,
            HearDeck: self._on_hear,
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
        stored = self._library.get(source)
        if stored is not None:
            self._load_library(deck, stored, then, progress)
            return
        try:
            path = Path(source) if trusted else media_file(source, self._media, self._library)
        except MediaError as error:
            then(str(error))
            return
        source_name = str(path.resolve()) if trusted else source
        self._encode(deck, path, source_name, then, progress)

    def resume(self, then: Callable[[str, str | None], None]) -> None:
        """Encode what a restarted instrument can only play as a recording; ``then`` gets the
        deck and the failure.
        """
        for deck, data in self._playing.newest.engine.decks.items():
            if data.is_encoded:
                continue
            if data.captured is not None:
                self._encode(deck, data.captured, "", partial(then, deck))
            elif data.source in self._library:
                self.load(deck, data.source, partial(then, deck))
            else:
                path = self._media / data.source  # an absolute path stays one
                self._encode(deck, path, data.source, partial(then, deck))

    @property
    def awaits_sound(self) -> bool:
        """True if a load that will be heard before it is encoded cannot be heard yet."""
        if not self._playing.newest.bundle.manifest.gives_spectra:
            return False
        return any(not load.is_heard for load in self._pending.values())

    def take(self, report: Report) -> None:
        """Handle a report of the encoder; ignore one about a cancelled load."""
        deck = next((d for d, one in self._pending.items() if one.ticket == report.ticket), None)
        if deck is None:
            return
        load = self._pending[deck]
        match report:
            case Heard():
                self._hear(deck, load, report)
            case Progressed(share=share):
                load.advance(share)
            case Failed(reason=reason):
                del self._pending[deck]
                self._take_back(deck, load)
                load.then(reason)
            case Finished(deck=data):
                del self._pending[deck]
                self._playing.newest.engine.put_deck(deck, load.named(data))
                load.then(None)

    def _hear(self, deck: str, load: PendingLoad, heard: Heard) -> None:
        """Play the recording until it is encoded."""
        engine = self._playing.newest.engine
        current = engine.decks.get(deck)
        if current is not None and current.is_encoded:
            load.before = current
        load.is_heard = True
        data = unencoded_deck(heard.name, heard.recording, self._playing.newest.bundle.manifest)
        engine.put_deck(deck, load.named(replace(data, gain_db=heard.gain_db)))

    def _take_back(self, deck: str, load: PendingLoad) -> None:
        """Play what was there before the recording was heard."""
        engine = self._playing.newest.engine
        current = engine.decks.get(deck)
        if current is None or current.is_encoded:
            return
        # The engine cannot empty a deck.
        engine.put_deck(deck, load.before or silent_deck(self._playing.newest.bundle.manifest))

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
        load = self._pending.pop(event.deck, None)
        if load is not None:
            self._encoder.cancel(load.ticket)
            self._take_back(event.deck, load)
            load.then(CANCELLED)
        event.answer(replies.done(f"/deck/{event.deck}/cancel", int(load is not None)))

    def _on_progress(self, event: AskProgress) -> None:
        if load := self._pending.get(event.deck):
            share = load.share
        else:
            share = float(event.deck in self._playing.newest.engine.decks)
        event.answer(replies.progress(event.deck, share))

    def _on_hear(self, event: HearDeck) -> None:
        command = f"/deck/{event.deck}/hear"
        event.answer(replies.fail(command, f"only in a score; send /deck/{event.deck}/load"))

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

    def _load_library(self, deck: str, stored: BundleDeck, then: Then, progress: Progress) -> None:
        if needs_encoder(stored, self._playing.newest.bundle.manifest):
            self._encode(deck, stored, stored.slug, then, progress)
            return
        self._supersede(deck)
        self._playing.newest.engine.put_deck(deck, library_deck(stored))
        then(None)

    def _encode(
        self,
        deck: str,
        sound: Source,
        source: str,
        then: Then,
        progress: Progress = lambda share: None,
    ) -> None:
        """Encode ``sound`` for ``deck``; ``source`` is the name that the deck keeps."""
        before = self._supersede(deck)
        load = PendingLoad(sound, source, self._encoder.submit(sound), then, progress, before)
        self._pending[deck] = load
        load.advance(0.0)

    def _supersede(self, deck: str) -> DeckData | None:
        """Cancel a load in progress because of a newer one; return what it was heard in place of.

        Its recording goes on until that of the newer one can be heard.
        """
        load = self._pending.pop(deck, None)
        if load is None:
            return None
        self._encoder.cancel(load.ticket)
        load.then(SUPERSEDED)
        return load.before
