"""What the hands ask for, onto the decks: the library at once, files through the worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from export.bundle import BundleDeck
from server.deck import DeckData, library_deck
from server.encoder_worker import Failed, Finished, Report
from server.media import MediaError, media_file

PutDeck = Callable[[str, DeckData], None]
Then = Callable[[str | None], None]
"""Told when a load is over: None, or in one line why it failed."""


@dataclass(frozen=True)
class _Waiting:
    deck: str
    source: str
    load: int
    then: Then


class DeckLoader:
    """Loads decks; all calls in the thread of the event loop."""

    def __init__(
        self,
        library: Mapping[str, BundleDeck],
        media: Path,
        submit: Callable[[Path], int],
        put_deck: PutDeck,
    ) -> None:
        self._library = library
        self._media = media
        self._submit = submit
        self._put_deck = put_deck
        self._waiting: dict[int, _Waiting] = {}
        self._newest: dict[str, int] = {}
        self._loads = 0

    def load(self, deck: str, source: str, then: Then, trusted: bool = False) -> None:
        """Put ``source`` onto ``deck``; a trusted one may be a file anywhere.

        The newest load of a deck wins: an older one that takes longer is dropped and fails.
        """
        self._loads += 1
        if source in self._library:
            self._newest[deck] = self._loads
            self._put_deck(deck, library_deck(self._library[source]))
            then(None)
            return
        try:
            path = Path(source) if trusted else media_file(source, self._media, self._library)
        except MediaError as error:
            then(str(error))
            return
        self._newest[deck] = self._loads
        kept = str(path.resolve()) if trusted else source
        self._waiting[self._submit(path)] = _Waiting(deck, kept, self._loads, then)

    def supersede(self, deck: str) -> None:
        """Something else was laid onto ``deck``: loads that still go on are older."""
        self._loads += 1
        self._newest[deck] = self._loads

    def adopt(self, library: Mapping[str, BundleDeck]) -> None:
        """Another model plays, with its own library and encoder; what is under way fails."""
        waiting, self._waiting = self._waiting, {}
        self._library = library
        for one in waiting.values():
            one.then("another model was loaded meanwhile; load it again")

    def take(self, report: Report) -> None:
        """A report of the encoder's worker."""
        match report:
            case Failed(ticket, reason):
                self._waiting.pop(ticket).then(reason)
            case Finished(ticket, deck):
                self._finish(self._waiting.pop(ticket), deck)

    def _finish(self, waiting: _Waiting, deck: DeckData) -> None:
        if self._newest[waiting.deck] != waiting.load:
            waiting.then(f"something newer was loaded onto deck {waiting.deck} meanwhile")
            return
        self._put_deck(waiting.deck, replace(deck, source=waiting.source))
        waiting.then(None)


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
