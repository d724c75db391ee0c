"""A load that waits for the encoder."""

from __future__ import annotations

from dataclasses import dataclass, replace

from export.audio.model_input import Captured
from export.audio.sequence import Progress
from server.decks.reading import Source
from server.engine.deck import DeckData
from server.system.callbacks import Then

_PROGRESS_STEPS = 100
"""Progress is reported in this many steps at most."""


@dataclass
class PendingLoad:
    """A load in progress; ``source`` is the name that the deck keeps.

    ``before`` is what the deck played before the recording was heard in its place.
    """

    sound: Source
    source: str
    ticket: int
    then: Then
    progress: Progress
    before: DeckData | None = None
    is_heard: bool = False
    share: float = 0.0
    reported_step: int = -1

    def advance(self, share: float) -> None:
        """Note that this share, 0..1, is encoded; report it now and then."""
        self.share = share
        step = int(share * _PROGRESS_STEPS)
        if step > self.reported_step:
            self.reported_step = step
            self.progress(share)

    def named(self, deck: DeckData) -> DeckData:
        """Return ``deck`` with what loads it again."""
        captured = self.sound if isinstance(self.sound, Captured) else None
        return replace(deck, source=self.source, captured=captured)
