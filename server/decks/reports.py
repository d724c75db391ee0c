"""Reports of the encoder process about a request, by its ticket."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from server.engine.deck import DeckData, Recording


@dataclass(frozen=True)
class Heard:
    """The recording of request ``ticket`` can be heard, at ``gain_db``, but is not yet encoded.

    For a long file it comes twice: when its beginning has been read, and when all of it has. Only
    the recording of the latter is that of the deck (``is_whole``).
    """

    ticket: int
    name: str
    recording: Recording
    gain_db: float
    is_whole: bool


@dataclass(frozen=True)
class Progressed:
    """The share of request ``ticket`` that is encoded, 0..1."""

    ticket: int
    share: float


@dataclass(frozen=True)
class Finished:
    """Request ``ticket`` gave a deck."""

    ticket: int
    deck: DeckData


@dataclass(frozen=True)
class Failed:
    """Request ``ticket`` failed; ``reason`` is one line."""

    ticket: int
    reason: str


Report = Heard | Progressed | Finished | Failed
Listener = Callable[[Report], None]
