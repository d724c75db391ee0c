"""The card of a bundle: name, licence and decks, written by the person who publishes it.

{"name": "...", "licence": "...", "attribution": ["..."], "training": {"data": "..."},
 "decks": [{"file": "a.ogg", "slug": "a", "title": "...", "artist": "...", "licence": "...",
            "source": "..."}]}
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


class CardError(ValueError):
    """A card that is missing, not JSON, or lacks a field."""


@dataclass(frozen=True)
class CardDeck:
    """One library deck: a file under ``--media`` and its description."""

    file: str
    slug: str
    title: str
    artist: str
    licence: str
    source: str


@dataclass(frozen=True)
class Card:
    """Name, licence, attribution, facts about the training, and the decks."""

    name: str
    licence: str
    attribution: tuple[str, ...] = ()
    training: dict[str, Any] = field(default_factory=dict)
    decks: tuple[CardDeck, ...] = ()


def read_card(path: Path) -> Card:
    """Read a card.

    Raises:
        CardError: it cannot be read, or a field is missing or unknown.
    """
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        decks = tuple(CardDeck(**deck) for deck in stored.pop("decks", []))
        attribution = tuple(stored.pop("attribution", []))
        return Card(decks=decks, attribution=attribution, **stored)
    except OSError as error:
        raise CardError(f"card '{path}': {error.strerror}; give a readable file") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise CardError(f"card '{path}' is not JSON: {error}") from error
    except (TypeError, AttributeError) as error:
        raise CardError(f"card '{path}': {error}; see python -m export --help") from error
