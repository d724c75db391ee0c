"""Protocols of the model that plays, as features see it; ``server.models.switch`` has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from export.audio.arrays import Floats
from export.bundle.format import Bundle
from server.controls.control import ControlTable


class PlayingEngine(Protocol):
    """An engine (``server.engine.engine``)."""

    @property
    def deck_style(self) -> Floats | None:
        """Style (D,) of the decks in the last block, without offsets; None before the first."""

    @property
    def position(self) -> float:
        """Position of the first loaded deck, 0..1 of its loop."""

    @property
    def tempo_bpm(self) -> float | None:
        """The tempo of the sound; None if no deck has a known tempo."""

    @property
    def decks(self) -> Mapping[str, Any]:
        """The decks loaded last (``server.engine.deck.DeckData``), by name."""

    def put_deck(self, name: str, deck: Any) -> None:
        """Play ``deck`` (``server.engine.deck.DeckData``) from the next block on."""

    def bypass_unavailable_reason(self, name: str) -> str | None:
        """Return the reason why a deck cannot be bypassed, or None."""


class PlayingModel(Protocol):
    """A model ready to play (``server.models.switch.Model``)."""

    @property
    def bundle(self) -> Bundle:
        """Its library decks and statistics."""

    @property
    def table(self) -> ControlTable:
        """Its controls."""

    @property
    def engine(self) -> PlayingEngine:
        """Its engine."""


class Playing(Protocol):
    """Gives access to the model that plays."""

    @property
    def newest(self) -> PlayingModel:
        """The model that plays or is about to; from any thread."""
