"""The decks at the start of a live session: from the command line, or of a score."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from server.controls.addresses import DECKS
from server.controls.desk import Desk
from server.decks.commands import INTENDED_FAILURES, DeckCommands
from server.engine.deck import DeckData
from server.models.switch import ModelSwitch
from server.score.prepared_decks import bypass_rejection_reason
from server.system.progress_bar import ProgressBar


class InitialDecks:
    """Loads the initial decks; calls ``refuse`` with one line if one cannot be as requested."""

    def __init__(
        self, desk: Desk, switch: ModelSwitch, loader: DeckCommands, refuse: Callable[[str], None]
    ) -> None:
        self._desk = desk
        self._switch = switch
        self._loader = loader
        self._refuse = refuse

    def load(self, sources: Mapping[str, str]) -> None:
        """Load library decks at once, files when they are encoded."""
        self._check_empty(sources)
        for deck, source in sources.items():
            then = partial(self._loaded, deck)
            bar = ProgressBar(f"deck {deck}: load {source}")
            self._loader.load(deck, source, then, trusted=True, progress=bar)

    def put_encoded(self, decks: Mapping[str, DeckData]) -> None:
        """Load decks that are encoded already."""
        self._check_empty(decks)
        for deck, data in decks.items():
            self._switch.newest.engine.put_deck(deck, data)
            self._loaded(deck, None)

    def _check_empty(self, loaded: Mapping[str, object]) -> None:
        for deck in DECKS:
            if deck not in loaded:
                self._loaded(deck, None)

    def _loaded(self, deck: str, failure: str | None) -> None:
        if failure in INTENDED_FAILURES:
            return
        engine = self._switch.newest.engine
        reason = failure or bypass_rejection_reason(
            self._desk, deck, engine.bypass_unavailable_reason(deck)
        )
        if reason is not None:
            self._refuse(reason)
