"""Gestures: commands that set all style offsets at once, as plain values on the desk.

    max i      offset i to its maximum
    flatten    style to the mean of the training music, whatever is on the decks
    random     each offset at random within one spread
    reset      all offsets to 0

With z the decks' style, flatten solves  rotation.T @ (o * spread) = mean - z,  so
``o = rotation @ (mean - z) / spread``, clipped to the range of offsets. It reads z once, when it
arrives; later changes of the decks still change the sound.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from server.controls import replies
from server.controls.addresses import LATENT
from server.controls.events import (
    Event,
    Flatten,
    MaxOut,
    ModelSwitched,
    Randomise,
    ResetOffsets,
    SetControl,
)
from server.controls.feature import Expansion, Feature, Handler
from server.controls.playing import Playing

OnFailure = Callable[[Event, str, str], None]
"""Called with an event, its address, and the reason why it cannot be carried out."""

_NO_STYLE = "no deck has played yet; load one, send /play and try again"


class Gestures(Feature):
    """Turns gestures into values; the same seed gives the same random values."""

    def __init__(
        self, playing: Playing, seed: int = 0, on_failure: OnFailure | None = None
    ) -> None:
        """By default ``on_failure`` answers the sender with ``/fail``."""
        self._playing = playing
        self._seed = seed
        self._on_failure = on_failure or _answer_failure
        self._read_model()

    def handlers(self) -> Mapping[type[Event], Handler]:
        """A change of model."""
        return {ModelSwitched: lambda event: self._read_model()}

    def expansions(self) -> Mapping[type[Event], Expansion]:
        """The gestures."""
        return {
            MaxOut: self._max_out,
            Flatten: self._flatten,
            Randomise: lambda event: self._offsets(self._random.uniform(-1, 1, self._dims), event),
            ResetOffsets: lambda event: self._offsets(np.zeros(self._dims), event),
        }

    def _read_model(self) -> None:
        """Use controls and statistics of the model that plays."""
        model = self._playing.newest
        self._control = model.table.controls[LATENT]
        self._latents = model.bundle.latents
        self._engine = model.engine
        self._dims = len(self._control.types)
        # Not the engine's generator: a gesture must not change the noise that follows it.
        self._random = np.random.default_rng((self._seed, 2))

    def _max_out(self, event: MaxOut) -> tuple[Event, ...]:
        assert self._control.maximum is not None
        address = f"{LATENT}/{event.dimension}"
        return (SetControl(address, (self._control.maximum,), reply_to=event.reply_to),)

    def _flatten(self, event: Flatten) -> tuple[Event, ...]:
        style = self._engine.deck_style
        if style is None:
            self._on_failure(event, "/gesture/flatten", _NO_STYLE)
            return ()
        latents = self._latents
        # A dimension that training did not use has no spread, and nothing to flatten.
        spread = np.maximum(latents.spread, 1e-9)
        return self._offsets(latents.rotation @ (latents.mean - style) / spread, event)

    def _offsets(self, offsets: np.typing.NDArray[np.floating], event: Event) -> tuple[Event, ...]:
        clipped = np.clip(offsets, self._control.minimum, self._control.maximum)
        return (SetControl(LATENT, tuple(clipped.tolist()), reply_to=event.reply_to),)


def _answer_failure(event: Event, address: str, reason: str) -> None:
    event.answer(replies.fail(address, reason))
