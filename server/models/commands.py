"""The command ``/model/load NAME``: crossfades to another bundle once it is ready."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Protocol

from server.controls import replies
from server.controls.addresses import GENERATE
from server.controls.events import Event, LoadModel, ModelSwitched
from server.controls.feature import Feature, Handler, Rejection
from server.controls.notify import NotifyClients
from server.controls.replies import Reply
from server.engine.deck import DeckData
from server.models.model_controls import missing_in, switched_to
from server.models.switch import FADE_S, Model, ModelSwitch
from server.system.callbacks import Later, Then

logger = logging.getLogger(__name__)

LOAD = "/model/load"

Install = Callable[[Model, Mapping[str, DeckData]], bool]
"""Plays a model with these decks; returns False if it cannot yet."""


class Loader(Protocol):
    """Loads bundles in the background: ``server.models.loader.ModelLoader``."""

    def load(self, name: str, install: Install, then: Then) -> None:
        """Load the bundle ``name`` and call ``install`` when it is ready."""


class ModelCommands(Feature):
    """Loads models; used by the event loop's thread."""

    def __init__(
        self, switch: ModelSwitch, loader: Loader, notify: NotifyClients, later: Later
    ) -> None:
        self._switch = switch
        self._loader = loader
        self._notify = notify
        self._later = later
        self._playing = switch.newest

    def handlers(self) -> Mapping[type[Event], Handler]:
        """Loads, and changes of model, also those of a score."""
        return {LoadModel: self._on_load, ModelSwitched: self._on_switched}

    def rejections(self) -> Mapping[str | type[Event], Rejection]:
        """Controls that the model that plays does not support."""
        return {GENERATE: lambda event, group: missing_in(self._playing.bundle).get(event.address)}

    def _on_load(self, event: LoadModel) -> None:
        def then(failure: str | None) -> None:
            event.answer(replies.outcome(LOAD, event.name, failure))

        self._loader.load(event.name, self._install, then)

    def _install(self, model: Model, decks: Mapping[str, DeckData]) -> bool:
        """Play ``model`` from the next block on; return False while another one fades in."""
        if self._switch.is_fading:
            return False
        for name, deck in decks.items():
            model.engine.put_deck(name, deck)
        self._switch.offer(model)
        self.dispatcher((switched_to(model),))
        return True

    def _on_switched(self, event: ModelSwitched) -> None:
        previous, self._playing = self._playing, self._switch.newest
        # Kept until it has faded out, so that the engine's thread does not have to free it.
        self._later(
            10 * FADE_S, lambda: logger.debug("model %s freed", previous.bundle.manifest.name)
        )
        self._notify(Reply(LOAD, (event.name,)), None)
