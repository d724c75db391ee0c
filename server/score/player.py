"""Plays a score in the engine's thread: its events in their exact frames, at any block size.

    steps -- by frame --> due(before_frame) -- gestures, Wekinator --> timeline
                            '-- decks --> engine, in the same block

It reads no file, encodes nothing and answers nobody.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from server.controls.events import DeckLoaded, Event, HearDeck, LoadDeck, LoadModel
from server.controls.gestures import Gestures
from server.models.model_controls import switched_to
from server.models.switch import Model, ModelSwitch
from server.osc.wekinator import Wekinator
from server.score.prepare import PreparedModel, PreparedScore
from server.score.score import Score

logger = logging.getLogger(__name__)

MakeModel = Callable[[PreparedModel], Model]


@dataclass(frozen=True)
class ScoreEvent:
    """All events of one frame."""

    frame: int
    events: tuple[Event, ...]

    @property
    def loads_deck(self) -> bool:
        """True if a deck or a model is loaded in this frame."""
        return any(isinstance(event, LoadDeck | HearDeck | LoadModel) for event in self.events)


def score_events(score: Score, frame_s: float, played_frames: int = 0) -> Sequence[ScoreEvent]:
    """Return the events of a score by frame; those of one frame are carried out together.

    After ``played_frames`` of the score, only what is left, with frames counted from there.
    """
    by_frame = itertools.groupby(score.steps, key=lambda step: round(step.time_s / frame_s))
    return [
        ScoreEvent(frame - played_frames, tuple(event for step in steps for event in step.events))
        for frame, steps in by_frame
        if frame >= played_frames
    ]


class ScorePlayer:
    """Plays ``events`` once, from frame 0, on the models of ``switch``."""

    def __init__(
        self,
        events: Sequence[ScoreEvent],
        prepared: PreparedScore,
        switch: ModelSwitch,
        make_model: MakeModel,
        wekinator: Sequence[str] = (),
    ) -> None:
        """``prepared`` has the decks and models that the score loads; ``make_model`` makes a
        prepared model ready to play; ``wekinator`` are the addresses that its outputs move.
        """
        self._events = events
        self._next = 0
        self._prepared = prepared
        self._switch = switch
        self._make_model = make_model
        self._gestures = Gestures(switch, on_failure=_warn)
        self._wekinator = Wekinator(switch, wekinator)

    def due(self, before_frame: int) -> list[tuple[int, tuple[Event, ...]]]:
        """Return the remaining events before ``before_frame``, in order, with their frames."""
        due = []
        while self._next < len(self._events):
            group = self._events[self._next]
            if group.frame >= before_frame:
                break
            self._next += 1
            events = (one for event in group.events for one in self._carried_out(event))
            due.append((group.frame, tuple(events)))
        return due

    def frames_to_next_deck(self, frame: int, frames: int) -> int:
        """Return how many of ``frames`` from ``frame`` on precede the next load of a deck."""
        for group in itertools.islice(self._events, self._next, None):
            if group.frame >= frame + frames:
                break
            if group.frame > frame and group.loads_deck:
                return group.frame - frame
        return frames

    def _carried_out(self, event: Event) -> tuple[Event, ...]:
        """Load what ``event`` loads, and return the events for the desk."""
        match event:
            case LoadDeck(deck=deck, source=source):
                self._switch.put_deck(deck, self._prepared.decks[id(event)])
                return (DeckLoaded(deck, source),)
            case HearDeck(deck=deck):
                self._switch.put_deck(deck, self._prepared.decks[id(event)])
                return ()
            case LoadModel():
                return (self._load_model(self._prepared.models[id(event)]),)
            case _:
                values = self._wekinator.expand(event)
                return tuple(one for value in values for one in self._gestures.expand(value))

    def _load_model(self, prepared: PreparedModel) -> Event:
        """Offer a model to the switch, and return the event that changes the desk to it."""
        model = self._make_model(prepared)
        for deck, data in prepared.decks.items():
            model.engine.put_deck(deck, data)
        self._switch.offer(model)
        self._gestures = Gestures(self._switch, on_failure=_warn)
        self._wekinator.use_controls()
        return switched_to(model)


def _warn(event: Event, address: str, reason: str) -> None:
    logger.warning("%s in the score had no effect: %s", address, reason)
