"""Prepares a score before it plays: all decks and models that it loads.

They are prepared in order, since the model that plays at a time determines how a file is encoded.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from export.audio.model_input import AudioError
from export.bundle.format import Bundle
from server.controls.addresses import BYPASS, DECKS
from server.controls.events import Event, LoadDeck, LoadModel, SetControl
from server.decks.media import MediaError, media_file
from server.engine.deck import DeckData
from server.models.carried_decks import decks_for
from server.score.score import Score, ScoreStep

logger = logging.getLogger(__name__)

Fetch = Callable[[str], DeckData]
"""Returns the deck of a library deck's name or a path, encoded by one model.

Raises:
    AudioError: the file cannot be used.
"""


@dataclass(frozen=True)
class PreparedModel:
    """A model that a score loads, and its decks at that time."""

    name: str
    bundle: Bundle
    decks: Mapping[str, DeckData]


@dataclass(frozen=True)
class PreparedScore:
    """Decks and models that a score loads, by the id of the event that loads them."""

    decks: Mapping[int, DeckData] = field(default_factory=dict)
    models: Mapping[int, PreparedModel] = field(default_factory=dict)


class _Preparation:
    """The state of walking through a score."""

    def __init__(
        self,
        bundle: Bundle,
        decks: Mapping[str, DeckData],
        media: Path,
        fetch_for: Callable[[Bundle], Fetch],
    ) -> None:
        self.decks: dict[int, DeckData] = {}
        self.models: dict[int, PreparedModel] = {}
        self._bundle = bundle
        self._loaded = dict(decks)
        self._media = media
        self._fetch_for = fetch_for
        self._fetch = fetch_for(bundle)

    def load(self, event: LoadDeck) -> None:
        """Prepare the deck of ``event``."""
        deck = self._fetch(_source(event.source, self._media, self._bundle))
        self.decks[id(event)] = self._loaded[event.deck] = deck

    def switch_model(self, event: LoadModel, bundle: Bundle) -> None:
        """Prepare the model of ``event``."""
        previous, self._bundle, self._fetch = self._bundle, bundle, self._fetch_for(bundle)
        self._loaded = decks_for(
            bundle,
            previous,
            self._loaded,
            self._media,
            lambda path: self._fetch(str(path)),
            logger.warning,
        )
        self.models[id(event)] = PreparedModel(event.name, bundle, dict(self._loaded))

    def bypass_rejection_reason(self, event: SetControl) -> str | None:
        """Why ``event`` cannot bypass its deck, in one line; None if it can, or is no bypass."""
        for deck in DECKS:
            if event.address == f"/deck/{deck}/{BYPASS}" and any(event.values):
                loaded = self._loaded.get(deck)
                return loaded.bypass_unavailable_reason if loaded else f"deck {deck} is empty"
        return None


def prepare(
    score: Score,
    bundle: Bundle,
    decks: Mapping[str, DeckData],
    media: Path,
    fetch_for: Callable[[Bundle], Fetch],
) -> PreparedScore:
    """Prepare what ``score`` needs if it begins with ``bundle`` and these ``decks``.

    Raises:
        ScoreError: it names what is missing or cannot be used, or bypasses what cannot be bypassed.
    """
    preparation = _Preparation(bundle, decks, media, fetch_for)
    for entry, event in _events(score):
        try:
            match event:
                case LoadDeck():
                    preparation.load(event)
                case LoadModel(name=name):
                    preparation.switch_model(event, score.bundles[name])
                # In a recording, a bypass was possible or had no effect.
                case SetControl() if score.header is None and (
                    why := preparation.bypass_rejection_reason(event)
                ):
                    raise MediaError(why)
        except (MediaError, AudioError) as error:
            raise score.file.error(entry.line.number, f"{entry.line.address}: {error}") from error
    return PreparedScore(preparation.decks, preparation.models)


def _events(score: Score) -> Iterator[tuple[ScoreStep, Event]]:
    for entry in score.entries:
        for event in entry.events:
            yield entry, event


def _source(source: str, media: Path, bundle: Bundle) -> str:
    """Return a library deck's name as it is, or the path of the file that ``source`` names."""
    if source in bundle.decks:
        return source
    path = Path(source)
    if path.is_absolute() and "\0" not in source and path.is_file():
        return source
    return str(media_file(source, media, bundle.decks))
