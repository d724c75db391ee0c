"""Encodes all decks before the first sound: the initial decks, and those a score loads.

So a score's decks change in their exact frame, live and in a file. A score may name a library deck,
a file in the media folder, or any file by its absolute path: it comes from the command line, which
is trusted to open files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from export.bundle.format import Bundle
from server.controls.addresses import BYPASS
from server.controls.desk import Desk
from server.decks.array_files import ArrayFiles
from server.decks.encoding import DeckEncoder
from server.decks.graphs import graphs_of
from server.decks.media import initial_decks
from server.decks.reading import needs_encoder
from server.engine.deck import DeckData, library_deck
from server.engine.runtime import RuntimeOptions
from server.score.prepare import PreparedScore, prepare
from server.score.score import END_SILENCE_S, Score
from server.system.progress_bar import ProgressBar


@dataclass(frozen=True)
class PreparedDecks:
    """The initial decks, by deck, and the decks and models of the score."""

    decks: Mapping[str, DeckData]
    score: Score | None = None
    prepared_score: PreparedScore = field(default_factory=PreparedScore)

    @property
    def block_frames(self) -> int | None:
        """The block size of a recorded score, with which it sounds bit-identical; else None."""
        return self.score.header.block_frames if self.score and self.score.header else None

    @property
    def seconds(self) -> float:
        """The natural length: of the longest deck, or of the score and the silence after it."""
        if self.score is None:
            return max((deck.seconds for deck in self.decks.values()), default=0.0)
        return self.score.end_s or self.score.last_s + END_SILENCE_S


def prepare_decks(
    bundle: Bundle,
    chosen: Mapping[str, str],
    options: RuntimeOptions,
    score: Score | None = None,
    media: Path = Path("."),
    arrays: Path | None = None,
) -> PreparedDecks:
    """Encode the decks ``chosen`` on the command line, and those that ``score`` loads.

    Decks that are not chosen get library decks (``initial_decks``), unless the score is recorded:
    a recorded score loads all its decks itself. Large arrays are files in the folder ``arrays``.

    Raises:
        MediaError, AudioError: a deck is missing or cannot be used.
        ScoreError: the same for a deck of the score, or it bypasses a deck without a recording.
    """
    caches: dict[int, _DeckCache] = {}

    def decks_of(one: Bundle) -> _DeckCache:
        return caches.setdefault(id(one), _DeckCache(one, options, ArrayFiles(arrays)))

    sources = initial_decks(bundle.decks, chosen)
    if score is not None and score.header is not None:
        sources = dict(chosen)
    get_deck = decks_of(bundle)
    decks = {name: get_deck(source) for name, source in sources.items()}
    if score is None:
        return PreparedDecks(decks)
    return PreparedDecks(decks, score, prepare(score, bundle, decks, media, decks_of))


class _DeckCache:
    """Decks by source: from the library, or files encoded by the bundle's encoder, each once."""

    def __init__(self, bundle: Bundle, options: RuntimeOptions, files: ArrayFiles) -> None:
        self._bundle = bundle
        self._options = options
        self._files = files
        self._encoder: DeckEncoder | None = None
        self._decks: dict[str, DeckData] = {}

    def __call__(self, source: str) -> DeckData:
        """Return the deck of a library deck's name or a path.

        Raises:
            AudioError: the file cannot be used.
        """
        if source not in self._decks:
            self._decks[source] = self._load(source)
        return self._decks[source]

    def _load(self, source: str) -> DeckData:
        bundle = self._bundle
        stored = bundle.decks.get(source)
        if stored is not None and not needs_encoder(stored, bundle.manifest):
            return library_deck(stored)
        self._encoder = self._encoder or DeckEncoder(graphs_of(bundle), self._options, self._files)
        if stored is not None:
            return self._encoder.encode(stored, ProgressBar(f"preparing {source}"))
        deck = self._encoder.encode(source, ProgressBar(f"encoding {Path(source).name}"))
        return replace(deck, source=str(Path(source).resolve()))


def bypass_rejection_reason(desk: Desk, deck: str, unavailable: str | None) -> str | None:
    """Return in one line why ``deck`` cannot start bypassed; None if it can, or does not.

    ``unavailable`` is the reason why its bypass is unavailable, or None.
    """
    address = f"/deck/{deck}/{BYPASS}"
    if unavailable is None or not desk.snapshot().value(address):
        return None
    return f"{address}: {unavailable}; load an audio file with --deck-{deck} FILE"
