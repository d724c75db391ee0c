"""A score as the engine plays it: what is due, in its frames, whatever the blocks.

    cues -- by frame --> due(before) -- gestures, Wekinator --> timeline
                              '-- decks --> engine, in the same block

One thread: the engine's. Nothing is read, encoded or answered here.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from server.deck import DeckData
from server.events import DeckLies, Event, LoadDeck
from server.gestures import Gestures
from server.model_switch import Model
from server.score import Score
from server.wekinator import Wekinator

logger = logging.getLogger(__name__)

PutDeck = Callable[[str, DeckData], None]


@dataclass(frozen=True)
class Moment:
    """All that happens in one frame."""

    frame: int
    events: tuple[Event, ...]

    @property
    def lays_a_deck(self) -> bool:
        """Whether a deck is to come in this frame."""
        return any(isinstance(event, LoadDeck) for event in self.events)


def moments_of(score: Score, frame_s: float, played: int = 0) -> Sequence[Moment]:
    """The cues of a score by frame; those of one frame are carried out together.

    Where ``played`` frames have been played before, what is left, counted from there.
    """
    by_frame = itertools.groupby(score.cues, key=lambda cue: round(cue.time_s / frame_s))
    return [
        Moment(frame - played, tuple(event for cue in cues for event in cue.events))
        for frame, cues in by_frame
        if frame >= played
    ]


class ScorePlayer:
    """Plays moments once, from frame 0; ``decks`` are those that they lay, by source."""

    def __init__(
        self,
        moments: Sequence[Moment],
        decks: Mapping[str, DeckData],
        put_deck: PutDeck,
        gestures: Gestures,
        wekinator: Wekinator,
    ) -> None:
        self._moments = moments
        self._next = 0
        self._decks = decks
        self._put_deck = put_deck
        self._gestures = gestures
        self._wekinator = wekinator

    def due(self, before_frame: int) -> list[tuple[int, tuple[Event, ...]]]:
        """What happens before ``before_frame`` and has not yet, in order, each with its frame."""
        found = []
        while self._next < len(self._moments):
            moment = self._moments[self._next]
            if moment.frame >= before_frame:
                break
            self._next += 1
            resolved = self._gestures.settings(self._wekinator.settings(moment.events))
            found.append((moment.frame, tuple(self._laid(event) for event in resolved)))
        return found

    def frames_to_next_deck(self, frame: int, frames: int) -> int:
        """How many of the ``frames`` from ``frame`` on come before another deck is laid."""
        for moment in itertools.islice(self._moments, self._next, None):
            if moment.frame >= frame + frames:
                break
            if moment.frame > frame and moment.lays_a_deck:
                return moment.frame - frame
        return frames

    def _laid(self, event: Event) -> Event:
        if not isinstance(event, LoadDeck):
            return event
        self._put_deck(event.deck, self._decks[event.source])
        return DeckLies(event.deck, event.source)


def player_of(
    moments: Sequence[Moment],
    decks: Mapping[str, DeckData],
    model: Model,
    wekinator: Wekinator,
) -> ScorePlayer:
    """A player for ``model``, whose gestures have random numbers of their own."""
    engine, latents = model.engine, model.bundle.latents
    gestures = Gestures(model.table, latents, lambda: engine.deck_style, refuse=_warn)
    return ScorePlayer(moments, decks, engine.put_deck, gestures, wekinator)


def _warn(event: Event, address: str, why: str) -> None:
    logger.warning("the score's %s was passed over: %s", address, why)
