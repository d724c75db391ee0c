"""All decks that will be needed, encoded before the first sound: the initial ones and a score's.

A score's decks are then loaded exactly in their frame, live and in a file. A score's source is a
library deck's name, a file under the media folder, or any file by its absolute path: naming a score
on the command line means trusting it to open the music that it names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from export.bundle.format import Bundle
from server.controls.addresses import BYPASS
from server.controls.desk import Desk
from server.decks.encoding import DeckEncoder
from server.decks.loader import initial_decks
from server.engine.deck import DeckData, library_deck
from server.engine.runtime import RuntimeOptions
from server.score.prepare import PreparedScore, prepare
from server.score.score import END_SILENCE_S, Score
from server.system.progress_bar import ProgressBar


@dataclass(frozen=True)
class PreparedDecks:
    """The initial decks by name, and the decks and models of the score."""

    decks: Mapping[str, DeckData]
    score: Score | None = None
    prepared_score: PreparedScore = field(default_factory=PreparedScore)

    @property
    def block_frames(self) -> int | None:
        """The block size of a recorded performance, at which it sounds the same to the last bit."""
        return self.score.header.block_frames if self.score and self.score.header else None

    @property
    def seconds(self) -> float:
        """The duration to render: the longest deck, or the score and the silence after it."""
        if self.score is None:
            return max((deck.seconds for deck in self.decks.values()), default=0.0)
        return self.score.end_s or self.score.last_s + END_SILENCE_S


def prepare_decks(
    bundle: Bundle,
    chosen: Mapping[str, str],
    options: RuntimeOptions,
    score: Score | None = None,
    media: Path = Path("."),
) -> PreparedDecks:
    """Encode the decks ``chosen`` on the command line, and those that ``score`` names.

    A recorded score names all its decks; otherwise the library fills in (``initial_decks``).

    Raises:
        MediaError, AudioError: a deck is missing or cannot be used.
        ScoreError: the score names such a deck, or bypasses one that has no recording.
    """
    fetchers: dict[int, _Fetcher] = {}

    def fetch_for(model: Bundle) -> _Fetcher:
        return fetchers.setdefault(id(model), _Fetcher(model, options))

    sources = initial_decks(bundle.decks, chosen)
    if score is not None and score.header is not None:
        sources = dict(chosen)
    fetch = fetch_for(bundle)
    decks = {name: fetch(source) for name, source in sources.items()}
    if score is None:
        return PreparedDecks(decks)
    return PreparedDecks(decks, score, prepare(score, bundle, decks, media, fetch_for))


class _Fetcher:
    """Decks by source: the library, or files through the bundle's encoder, each encoded once."""

    def __init__(self, bundle: Bundle, options: RuntimeOptions) -> None:
        self._bundle = bundle
        self._options = options
        self._encoder: DeckEncoder | None = None
        self._decks: dict[str, DeckData] = {}

    def __call__(self, source: str) -> DeckData:
        """Return the deck of a library deck's name or a path.

        Raises:
            AudioError: the file cannot be used.
        """
        if source not in self._decks:
            self._decks[source] = self._fetched(source)
        return self._decks[source]

    def _fetched(self, source: str) -> DeckData:
        bundle = self._bundle
        if source in bundle.decks:
            return library_deck(bundle.decks[source])
        self._encoder = self._encoder or DeckEncoder(
            bundle.manifest, bundle.encoder_onnx, self._options
        )
        deck = self._encoder.encode(source, ProgressBar(f"encoding {Path(source).name}"))
        return replace(deck, source=str(Path(source).resolve()))


def bypass_rejection_reason(desk: Desk, deck: str, why: str | None) -> str | None:
    """Return why the initial bypass of ``deck`` is impossible, in one line; None if it is not.

    ``why`` is the reason that there is no recording.
    """
    address = f"/deck/{deck}/{BYPASS}"
    if why is None or not desk.snapshot().value(address):
        return None
    return f"{address}: {why}; load an audio file with --deck-{deck} FILE"
