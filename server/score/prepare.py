"""A score gone through before it plays: all decks and models that it lays, ready in their time.

One after the other, for what a file becomes on a deck depends on the model that plays by then.
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
"""The deck of a library deck's name or a path, as one model hears it.

Raises:
    AudioError: the file cannot be used.
"""


@dataclass(frozen=True)
class PreparedModel:
    """A model that a score loads, and what lies on its decks then."""

    name: str
    bundle: Bundle
    decks: Mapping[str, DeckData]


@dataclass(frozen=True)
class PreparedScore:
    """What is ready for a score, by the identity of the event that wants it."""

    decks: Mapping[int, DeckData] = field(default_factory=dict)
    models: Mapping[int, PreparedModel] = field(default_factory=dict)


class _Preparation:
    """Where the walk has come to."""

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
        self._lying = dict(decks)
        self._media = media
        self._fetch_for = fetch_for
        self._fetch = fetch_for(bundle)

    def load(self, event: LoadDeck) -> None:
        """``event`` happens."""
        deck = self._fetch(_source(event.source, self._media, self._bundle))
        self.decks[id(event)] = self._lying[event.deck] = deck

    def change(self, event: LoadModel, bundle: Bundle) -> None:
        """``event`` happens."""
        before, self._bundle, self._fetch = self._bundle, bundle, self._fetch_for(bundle)
        self._lying = decks_for(
            bundle, before, self._lying, self._media, lambda p: self._fetch(str(p)), logger.warning
        )
        self.models[id(event)] = PreparedModel(event.name, bundle, dict(self._lying))

    def bypass_rejection_reason(self, event: SetControl) -> str | None:
        """In one line why ``event`` bypasses what cannot be, None if it can or does not."""
        for deck in DECKS:
            if event.address == f"/deck/{deck}/{BYPASS}" and any(event.values):
                lying = self._lying.get(deck)
                return lying.bypass_unavailable_reason if lying else f"deck {deck} is empty"
        return None


def prepare(
    score: Score,
    bundle: Bundle,
    decks: Mapping[str, DeckData],
    media: Path,
    fetch_for: Callable[[Bundle], Fetch],
) -> PreparedScore:
    """What ``score`` needs that begins with ``bundle`` and these ``decks``.

    Raises:
        ScoreError: it names what is not there or cannot be used, or bypasses what cannot be.
    """
    walk = _Preparation(bundle, decks, media, fetch_for)
    for entry, event in _events(score):
        try:
            match event:
                case LoadDeck():
                    walk.load(event)
                case LoadModel(name=name):
                    walk.change(event, score.bundles[name])
                # What was recorded was possible, or did nothing.
                case SetControl() if score.header is None and (
                    why := walk.bypass_rejection_reason(event)
                ):
                    raise MediaError(why)
        except (MediaError, AudioError) as error:
            raise score.file.error(entry.line.number, f"{entry.line.address}: {error}") from error
    return PreparedScore(walk.decks, walk.models)


def _events(score: Score) -> Iterator[tuple[ScoreStep, Event]]:
    for entry in score.entries:
        for event in entry.events:
            yield entry, event


def _source(source: str, media: Path, bundle: Bundle) -> str:
    """A library deck's name as it is, or the path of the file that is meant."""
    if source in bundle.decks:
        return source
    path = Path(source)
    if path.is_absolute() and "\0" not in source and path.is_file():
        return source
    return str(media_file(source, media, bundle.decks))
