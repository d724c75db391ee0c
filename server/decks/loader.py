"""What the hands ask for, onto the decks: the library at once, files through the worker."""

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
OVERTAKEN = "something newer was loaded onto this deck meanwhile"
ANOTHER_MODEL = "another model was loaded meanwhile; load it again"
NOT_WANTED = (CANCELLED, OVERTAKEN, ANOTHER_MODEL)
"""Failures that somebody wanted."""

_STEPS = 100
"""Progress is told in so many steps at most."""


class BackgroundEncoder(Protocol):
    """What encodes in the background, and reports to ``DeckLoader.take``."""

    def submit(self, source: Source) -> int:
        """Queue a file or a capture; the ticket is in every report about it."""

    def cancel(self, ticket: int) -> None:
        """Do not encode this one, or stop; nothing more is reported about it."""


@dataclass
class _PendingLoad:
    sound: Source
    source: str
    ticket: int
    then: Then
    progress: Progress
    told: int = -1

    def advance(self, share: float) -> None:
        step = int(share * _STEPS)
        if step > self.told:
            self.told = step
            self.progress(share)


class DeckLoader:
    """Loads decks; all calls in the thread of the event loop.

    The newest load of a deck wins: an older one that still goes on is cancelled, and fails.
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
        self._waiting: dict[str, _PendingLoad] = {}

    def load(
        self,
        deck: str,
        source: str,
        then: Then,
        trusted: bool = False,
        progress: Progress = lambda share: None,
    ) -> None:
        """Put ``source`` onto ``deck``; a trusted one may be a file anywhere."""
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
        kept = str(path.resolve()) if trusted else source
        self._encode(deck, path, kept, then, progress)

    def capture(self, deck: str, captured: Captured, then: Then, progress: Progress) -> None:
        """Put what was captured onto ``deck``; it has no source that others could load."""
        self._encode(deck, captured, "", then, progress)

    def cancel(self, deck: str) -> bool:
        """Stop what is being loaded onto ``deck``, which keeps what it has; whether there was."""
        return self._drop(deck, CANCELLED)

    def supersede(self, deck: str) -> None:
        """Something newer is laid onto ``deck``: a load that still goes on is older."""
        self._drop(deck, OVERTAKEN)

    def adopt(self, library: Mapping[str, BundleDeck]) -> None:
        """Another model plays, with its own library and encoder; what is under way fails."""
        waiting, self._waiting = self._waiting, {}
        self._library = library
        for one in waiting.values():
            one.then(ANOTHER_MODEL)

    def take(self, report: Report) -> None:
        """A report of the encoder's worker; those about what was dropped are passed over."""
        deck = next((d for d, one in self._waiting.items() if one.ticket == report.ticket), None)
        if deck is None:
            return
        match report:
            case Progressed(share=share):
                self._waiting[deck].advance(share)
            case Failed(reason=reason):
                self._waiting.pop(deck).then(reason)
            case Finished(deck=data):
                waiting = self._waiting.pop(deck)
                captured = waiting.sound if isinstance(waiting.sound, Captured) else None
                self._put_deck(deck, replace(data, source=waiting.source, captured=captured))
                waiting.then(None)

    def _encode(
        self, deck: str, sound: Source, source: str, then: Then, progress: Progress
    ) -> None:
        """Put ``sound`` onto ``deck`` once it is encoded; ``source`` is what it is called."""
        self.supersede(deck)
        waiting = _PendingLoad(sound, source, self._encoder.submit(sound), then, progress)
        self._waiting[deck] = waiting
        waiting.advance(0.0)

    def _drop(self, deck: str, why: str) -> bool:
        waiting = self._waiting.pop(deck, None)
        if waiting is None:
            return False
        self._encoder.cancel(waiting.ticket)
        waiting.then(why)
        return True


def initial_decks(library: Mapping[str, BundleDeck], chosen: Mapping[str, str]) -> dict[str, str]:
    """What lies on the decks at the start: what was ``chosen`` for them.

    Where neither ``a`` nor ``b`` is chosen, they get the first two decks of the library.

    Raises:
        MediaError: neither a library deck nor a file.
    """
    for name, source in chosen.items():
        if source not in library and not Path(source).exists():
            raise MediaError(
                f"--deck-{name}: '{source}' is neither a file nor a library deck; "
                "--list-decks shows the library"
            )
    is_free = not {"a", "b"} & chosen.keys()
    return (dict(zip(("a", "b"), library, strict=False)) if is_free else {}) | dict(chosen)
