"""A score as the engine plays it: what is due, in its frames, whatever the blocks.

    entries -- by frame --> due(before) -- gestures, Wekinator --> timeline
                              '-- decks --> engine, in the same block

One thread: the engine's. Nothing is read, encoded or answered here.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from server.controls.events import DeckLoaded, Event, LoadDeck, LoadModel
from server.controls.gestures import Gestures
from server.models.model_controls import switched_to
from server.models.switch import Model, ModelSwitch
from server.osc.wekinator import Wekinator
from server.score.prepare import PreparedModel, PreparedScore
from server.score.score import Score

logger = logging.getLogger(__name__)

Ready = Callable[[PreparedModel], Model]


@dataclass(frozen=True)
class ScoreEvent:
    """All that happens in one frame."""

    frame: int
    events: tuple[Event, ...]

    @property
    def lays_a_deck(self) -> bool:
        """Whether a deck or a model is to come in this frame."""
        return any(isinstance(event, LoadDeck | LoadModel) for event in self.events)


def score_events(score: Score, frame_s: float, played: int = 0) -> Sequence[ScoreEvent]:
    """The entries of a score by frame; those of one frame are carried out together.

    Where ``played`` frames have been played before, what is left, counted from there.
    """
    by_frame = itertools.groupby(score.entries, key=lambda entry: round(entry.time_s / frame_s))
    return [
        ScoreEvent(frame - played, tuple(event for entry in entries for event in entry.events))
        for frame, entries in by_frame
        if frame >= played
    ]


class ScorePlayer:
    """Plays moments once, from frame 0, on the models of ``switch``; ``laid`` is what they need."""

    def __init__(
        self,
        moments: Sequence[ScoreEvent],
        laid: PreparedScore,
        switch: ModelSwitch,
        ready: Ready,
        wekinator: Sequence[str] = (),
    ) -> None:
        """``ready`` makes a model of what comes; ``wekinator`` are the addresses it moves."""
        self._moments = moments
        self._next = 0
        self._laid = laid
        self._switch = switch
        self._ready = ready
        self._gestures = Gestures(switch, refuse=_warn)
        self._wekinator = Wekinator(switch, wekinator)

    def due(self, before_frame: int) -> list[tuple[int, tuple[Event, ...]]]:
        """What happens before ``before_frame`` and has not yet, in order, each with its frame."""
        found = []
        while self._next < len(self._moments):
            moment = self._moments[self._next]
            if moment.frame >= before_frame:
                break
            self._next += 1
            done = (one for event in moment.events for one in self._done(event))
            found.append((moment.frame, tuple(done)))
        return found

    def frames_to_next_deck(self, frame: int, frames: int) -> int:
        """How many of the ``frames`` from ``frame`` on come before another deck is laid."""
        for moment in itertools.islice(self._moments, self._next, None):
            if moment.frame >= frame + frames:
                break
            if moment.frame > frame and moment.lays_a_deck:
                return moment.frame - frame
        return frames

    def _done(self, event: Event) -> tuple[Event, ...]:
        """What there is to be done of ``event`` on the desk; the rest is done."""
        match event:
            case LoadDeck(deck=deck, source=source):
                self._switch.put_deck(deck, self._laid.decks[id(event)])
                return (DeckLoaded(deck, source),)
            case LoadModel():
                return (self._change(self._laid.models[id(event)]),)
            case _:
                moved = self._wekinator.expand(event)
                return tuple(one for each in moved for one in self._gestures.expand(each))

    def _change(self, coming: PreparedModel) -> Event:
        """Offer the model that comes; the event that makes the desk its own."""
        model = self._ready(coming)
        for deck, data in coming.decks.items():
            model.engine.put_deck(deck, data)
        self._switch.offer(model)
        self._gestures = Gestures(self._switch, refuse=_warn)
        self._wekinator.use_controls()
        return switched_to(model)


def _warn(event: Event, address: str, why: str) -> None:
    logger.warning("the score's %s was passed over: %s", address, why)
