"""``/model/load NAME``: plays another bundle, crossfaded, once it is ready."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Protocol

from server.controls import replies
from server.controls.addresses import GENERATE
from server.controls.events import Event, LoadModel, ModelSwitched
from server.controls.feature import Feature, Handler, Rejection
from server.controls.notify import Tell
from server.controls.replies import Reply
from server.engine.deck import DeckData
from server.models.model_controls import missing_in, switched_to
from server.models.switch import FADE_S, Model, ModelSwitch
from server.system.callbacks import Later, Then

logger = logging.getLogger(__name__)

LOAD = "/model/load"

Install = Callable[[Model, Mapping[str, DeckData]], bool]
"""Plays a model with these decks, or says that it cannot yet (False)."""


class Loader(Protocol):
    """Makes bundles ready beside the music: ``server.models.loader.ModelLoader``."""

    def load(self, name: str, install: Install, then: Then) -> None:
        """``install`` the bundle ``name`` when it is ready."""


class ModelCommands(Feature):
    """Used by the thread of the event loop."""

    def __init__(self, switch: ModelSwitch, loader: Loader, tell: Tell, later: Later) -> None:
        self._switch = switch
        self._loader = loader
        self._tell = tell
        self._later = later
        self._playing = switch.newest

    def handlers(self) -> Mapping[type[Event], Handler]:
        """Loads, and the changes of model that follow, from here or from a score."""
        return {LoadModel: self._on_load, ModelSwitched: self._on_switched}

    def rejections(self) -> Mapping[str | type[Event], Rejection]:
        """Controls for which the model that plays has nothing."""
        return {GENERATE: lambda event, among: missing_in(self._playing.bundle).get(event.address)}

    def _on_load(self, event: LoadModel) -> None:
        def then(failure: str | None) -> None:
            event.answer(replies.outcome(LOAD, event.name, failure))

        self._loader.load(event.name, self._install, then)

    def _install(self, model: Model, decks: Mapping[str, DeckData]) -> bool:
        """Play ``model`` from the next block on; False while another one is still coming in."""
        if self._switch.is_fading:
            return False
        for name, deck in decks.items():
            model.engine.put_deck(name, deck)
        self._switch.offer(model)
        self.dispatcher((switched_to(model),))
        return True

    def _on_switched(self, event: ModelSwitched) -> None:
        left, self._playing = self._playing, self._switch.newest
        # Kept until it has faded out: the engine's thread must not be the one that frees it.
        self._later(10 * FADE_S, lambda: logger.debug("%s is gone", left.bundle.manifest.name))
        self._tell(Reply(LOAD, (event.name,)), None)
