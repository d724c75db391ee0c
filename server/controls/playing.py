"""The model that plays, as far as features need it; ``server.models.switch`` knows which it is."""

from __future__ import annotations

from typing import Any, Protocol

from export.bundle.format import Bundle
from server.controls.control import ControlTable
from server.system.arrays import Floats


class PlayingEngine(Protocol):
    """An engine (``server.engine.engine``)."""

    @property
    def deck_style(self) -> Floats | None:
        """Style (D,) of the decks in the last block, without offsets; None before there is one."""

    @property
    def position(self) -> float:
        """Where the first loaded deck is, 0..1 of its loop."""

    @property
    def tempo_bpm(self) -> float | None:
        """The tempo that is heard; None where no deck has a known one."""

    def put_deck(self, name: str, deck: Any) -> None:
        """Play ``deck`` (``server.engine.deck.DeckData``) from the next block on."""

    def bypass_unavailable_reason(self, name: str) -> str | None:
        """Why a deck cannot be bypassed, or None."""


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
        """What plays its decks."""


class Playing(Protocol):
    """Knows the model that plays."""

    @property
    def newest(self) -> PlayingModel:
        """The model that plays, or will in a moment; from any thread."""
