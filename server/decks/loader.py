"""Loads decks: the library at once, files and captures through the encoder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from export.audio.model_input import Captured
from export.audio.sequence import Progress
from export.bundle.format import BundleDeck
from server.decks.encoder_worker import Failed, Finished, Progressed, Report
from server.decks.encoding import Source
from server.decks.media import MediaError, media_file
from server.engine.deck import DeckData, library_deck
from server.system.callbacks import Then

PutDeck = Callable[[str, DeckData], None]
CANCELLED = "cancelled"
SUPERSEDED = "replaced by a newer load of this deck"
ANOTHER_MODEL = "another model was loaded meanwhile; load it again"
INTENDED_FAILURES = (CANCELLED, SUPERSEDED, ANOTHER_MODEL)
"""Failures that somebody asked for."""

_PROGRESS_STEPS = 100
"""Progress is reported in this many steps at most."""


class BackgroundEncoder(Protocol):
    """Encodes in the background, and reports to ``DeckLoader.take``."""

    def submit(self, source: Source) -> int:
        """Queue a file or a capture; return the ticket that is in every report about it."""

    def cancel(self, ticket: int) -> None:
        """Drop this one, or stop; nothing more is reported about it."""


@dataclass
class _PendingLoad:
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


class DeckLoader:
    """Loads decks; all calls in the event loop's thread.

    The newest load of a deck wins: an older one in progress is cancelled, and fails.
    """

    def __init__(
        self,
        library: Mapping[str, BundleDeck],
        media: Path,
        encoder: BackgroundEncoder,
        put_deck: PutDeck,
    ) -> None:
        self._library = library
        self._media = media
        self._encoder = encoder
        self._put_deck = put_deck
        self._pending: dict[str, _PendingLoad] = {}

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
            self.supersede(deck)
            self._put_deck(deck, library_deck(self._library[source]))
            then(None)
            return
        try:
            path = Path(source) if trusted else media_file(source, self._media, self._library)
        except MediaError as error:
            then(str(error))
            return
        source_name = str(path.resolve()) if trusted else source
        self._encode(deck, path, source_name, then, progress)

    def capture(self, deck: str, captured: Captured, then: Then, progress: Progress) -> None:
        """Load what was captured onto ``deck``; it has no source that could be loaded again."""
        self._encode(deck, captured, "", then, progress)

    def cancel(self, deck: str) -> bool:
        """Stop a load in progress; ``deck`` keeps what it has. Return True if there was one."""
        return self._drop(deck, CANCELLED)

    def supersede(self, deck: str) -> None:
        """Cancel a load in progress, because something newer is loaded onto ``deck``."""
        self._drop(deck, SUPERSEDED)

    def adopt(self, library: Mapping[str, BundleDeck]) -> None:
        """Use another model's library; loads in progress fail."""
        pending, self._pending = self._pending, {}
        self._library = library
        for load in pending.values():
            load.then(ANOTHER_MODEL)

    def take(self, report: Report) -> None:
        """Take a report of the encoder; those about dropped loads are ignored."""
        deck = next((d for d, load in self._pending.items() if load.ticket == report.ticket), None)
        if deck is None:
            return
        match report:
            case Progressed(share=share):
                self._pending[deck].advance(share)
            case Failed(reason=reason):
                self._pending.pop(deck).then(reason)
            case Finished(deck=data):
                pending = self._pending.pop(deck)
                captured = pending.sound if isinstance(pending.sound, Captured) else None
                self._put_deck(deck, replace(data, source=pending.source, captured=captured))
                pending.then(None)

    def _encode(
        self, deck: str, sound: Source, source: str, then: Then, progress: Progress
    ) -> None:
        """Load ``sound`` onto ``deck`` once it is encoded; ``source`` loads it again."""
        self.supersede(deck)
        pending = _PendingLoad(sound, source, self._encoder.submit(sound), then, progress)
        self._pending[deck] = pending
        pending.advance(0.0)

    def _drop(self, deck: str, why: str) -> bool:
        pending = self._pending.pop(deck, None)
        if pending is None:
            return False
        self._encoder.cancel(pending.ticket)
        pending.then(why)
        return True


def initial_decks(library: Mapping[str, BundleDeck], chosen: Mapping[str, str]) -> dict[str, str]:
    """Return the decks to load at the start, by name: those ``chosen``.

    If neither ``a`` nor ``b`` is chosen, they get the first two decks of the library.

    Raises:
        MediaError: a choice is neither a library deck nor a file.
    """
    for name, source in chosen.items():
        if source not in library and not Path(source).exists():
            raise MediaError(
                f"--deck-{name}: '{source}' is neither a file nor a library deck; "
                "--list-decks shows the library"
            )
    is_free = not {"a", "b"} & chosen.keys()
    return (dict(zip(("a", "b"), library, strict=False)) if is_free else {}) | dict(chosen)
