"""Prepares the decks and models that a score loads, before it plays.

In order, because each model encodes files in its own way: a deck is encoded by the model that plays
when the score loads it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from export.audio.errors import AudioError
from export.bundle.format import Bundle, BundleDeck
from server.controls.addresses import BYPASS, DECKS
from server.controls.events import Event, HearDeck, LoadDeck, LoadModel, SetControl
from server.decks.media import MediaError, media_file
from server.decks.reading import Source
from server.engine.deck import DeckData, heard_before
from server.models.carried_decks import decks_for
from server.score.score import Score, ScoreStep

logger = logging.getLogger(__name__)

GetDeck = Callable[[str], DeckData]
"""Returns the deck of a library deck's name or a path, for one model.

Raises:
    AudioError: the file cannot be used.
"""


@dataclass(frozen=True)
class PreparedModel:
    """A model that a score loads, and the decks that are loaded at that time."""

    name: str
    bundle: Bundle
    decks: Mapping[str, DeckData]


@dataclass(frozen=True)
class PreparedScore:
    """The decks and models that a score loads, by the ``id`` of the event that loads them."""

    decks: Mapping[int, DeckData] = field(default_factory=dict)
    models: Mapping[int, PreparedModel] = field(default_factory=dict)


class _Preparation:
    """The state of a score, event by event: its model and decks."""

    def __init__(
        self,
        bundle: Bundle,
        decks: Mapping[str, DeckData],
        media: Path,
        decks_of: Callable[[Bundle], GetDeck],
    ) -> None:
        self.decks: dict[int, DeckData] = {}
        self.models: dict[int, PreparedModel] = {}
        self._bundle = bundle
        self._loaded = dict(decks)
        self._media = media
        self._decks_of = decks_of
        self._get_deck = decks_of(bundle)

    def load_deck(self, event: LoadDeck) -> None:
        """Prepare the deck that ``event`` loads."""
        deck = self._get_deck(_source(event.source, self._media, self._bundle))
        self.decks[id(event)] = self._loaded[event.deck] = deck

    def hear_deck(self, event: HearDeck) -> None:
        """Prepare the recording that is heard before the deck is encoded.

        Raises:
            MediaError: there is no recording.
        """
        deck = self._get_deck(_source(event.source, self._media, self._bundle))
        heard = heard_before(deck, event.gain_db, self._bundle.manifest)
        if heard is None:
            raise MediaError(
                f"{deck.name} has no recording in bundle '{self._bundle.manifest.name}'"
            )
        self._loaded[event.deck] = deck
        self.decks[id(event)] = heard

    def load_model(self, event: LoadModel, bundle: Bundle) -> None:
        """Prepare the model that ``event`` loads, and its decks."""
        previous, self._bundle, self._get_deck = self._bundle, bundle, self._decks_of(bundle)
        self._loaded = decks_for(
            bundle,
            previous,
            self._loaded,
            self._media,
            self._encode,
            logger.warning,
        )
        self.models[id(event)] = PreparedModel(event.name, bundle, dict(self._loaded))

    def _encode(self, source: Source) -> DeckData:
        """The deck of a file, or of a library deck of the model that plays."""
        return self._get_deck(source.slug if isinstance(source, BundleDeck) else str(source))

    def bypass_rejection_reason(self, event: SetControl) -> str | None:
        """Return in one line why ``event`` cannot bypass a deck; None if it can, or does not."""
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
    decks_of: Callable[[Bundle], GetDeck],
) -> PreparedScore:
    """Prepare the decks and models of a ``score`` that starts with ``bundle`` and ``decks``.

    Raises:
        ScoreError: it loads a deck that is missing or cannot be used, or bypasses a deck that
            cannot be bypassed.
    """
    preparation = _Preparation(bundle, decks, media, decks_of)
    for step, event in _events(score):
        try:
            match event:
                case LoadDeck():
                    preparation.load_deck(event)
                case HearDeck():
                    preparation.hear_deck(event)
                case LoadModel(name=name):
                    preparation.load_model(event, score.bundles[name])
                # In a recorded score, the bypass was possible or had no effect.
                case SetControl() if score.header is None and (
                    reason := preparation.bypass_rejection_reason(event)
                ):
                    raise MediaError(reason)
        except (MediaError, AudioError) as error:
            raise score.file.error(step.line.number, f"{step.line.address}: {error}") from error
    return PreparedScore(preparation.decks, preparation.models)


def _events(score: Score) -> Iterator[tuple[ScoreStep, Event]]:
    for step in score.steps:
        for event in step.events:
            yield step, event


def _source(source: str, media: Path, bundle: Bundle) -> str:
    """Return the name of a library deck as it is, or the path of an audio file."""
    if source in bundle.decks:
        return source
    path = Path(source)
    if path.is_absolute() and "\0" not in source and path.is_file():
        return source
    return str(media_file(source, media, bundle.decks))
