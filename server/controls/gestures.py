"""Gestures over all style offsets at once: the seeds' experiments, as plain values on the desk.

    max i      dimension i as far up as it goes
    flatten    style becomes the middle of all that was trained on, whatever the decks are
    random     each dimension anywhere within its trained spread
    reset      no offset

With z what the decks give, flatten wants  rotation.T @ (o * spread) = mean - z,  so
``o = rotation @ (mean - z) / spread``, as far as offsets reach. It asks for z when it arrives, and
what the decks do afterwards still moves the sound.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from export.bundle.format import StyleStatistics
from server.controls import replies
from server.controls.addresses import LATENT
from server.controls.control import ControlTable
from server.controls.events import Event, Flatten, MaxOut, Randomise, ResetOffsets, SetControl
from server.system.arrays import Floats

Refuse = Callable[[Event, str, str], None]
"""Told of an event that its address cannot be carried out, and why."""

_NOT_HEARD = "no deck has been heard yet: load one, /play and try again"


class Gestures:
    """Turns gestures into settings; the same seed gives the same random ones."""

    def __init__(
        self,
        table: ControlTable,
        latents: StyleStatistics,
        deck_style: Callable[[], Floats | None],
        seed: int = 0,
        refuse: Refuse | None = None,
    ) -> None:
        """``deck_style`` gives the decks' style (D,) as heard last without offsets, or None.

        ``refuse`` is told what cannot be done and why; by default the sender is.
        """
        self._control = table.controls[LATENT]
        self._latents = latents
        self._deck_style = deck_style
        self._refuse = refuse or _fail
        self._dims = len(self._control.types)
        # Not the engine's own numbers: a gesture must not change the noise of what follows.
        self._random = np.random.default_rng((seed, 2))

    def settings(self, events: tuple[Event, ...]) -> tuple[Event, ...]:
        """``events`` with each gesture replaced by what it sets; what cannot be done is told."""
        return tuple(setting for event in events for setting in self._setting(event))

    def _setting(self, event: Event) -> tuple[Event, ...]:
        match event:
            case MaxOut(dimension=dimension):
                assert self._control.maximum is not None
                address = f"{LATENT}/{dimension}"
                return (SetControl(address, (self._control.maximum,), reply_to=event.reply_to),)
            case Flatten():
                return self._flat(event)
            case Randomise():
                return self._offsets(self._random.uniform(-1, 1, self._dims), event)
            case ResetOffsets():
                return self._offsets(np.zeros(self._dims), event)
            case _:
                return (event,)

    def _flat(self, event: Flatten) -> tuple[Event, ...]:
        style = self._deck_style()
        if style is None:
            self._refuse(event, "/gesture/flatten", _NOT_HEARD)
            return ()
        latents = self._latents
        # A direction that training did not use has no spread, and nothing to flatten.
        spread = np.maximum(latents.spread, 1e-9)
        return self._offsets(latents.rotation @ (latents.mean - style) / spread, event)

    def _offsets(self, offsets: np.typing.NDArray[np.floating], event: Event) -> tuple[Event, ...]:
        reachable = np.clip(offsets, self._control.minimum, self._control.maximum)
        return (SetControl(LATENT, tuple(reachable.tolist()), reply_to=event.reply_to),)


def _fail(event: Event, address: str, why: str) -> None:
    event.answer(replies.fail(address, why))
