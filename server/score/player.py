"""Plays a score in the engine's frames, independently of the block size.

    entries -- by frame --> due(before) -- gestures, Wekinator --> timeline
                              '-- decks --> engine, in the same block

Runs in the engine's thread. Nothing is read, encoded or answered here.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from server.controls.desk import Snapshot
from server.controls.events import DeckLoaded, Event, LoadDeck, LoadModel, ModelSwitched
from server.controls.gestures import Gestures
from server.models.model_controls import carry_to, wekinator_of
from server.models.switch import Model, ModelSwitch
from server.score.prepare import PreparedModel, PreparedScore
from server.score.score import Score

logger = logging.getLogger(__name__)

PrepareModel = Callable[[PreparedModel], Model]


@dataclass(frozen=True)
class ScoreEvent:
    """All events of one frame."""

    frame: int
    events: tuple[Event, ...]

    @property
    def loads_deck(self) -> bool:
        """True if a deck or a model is loaded in this frame."""
        return any(isinstance(event, LoadDeck | LoadModel) for event in self.events)


def score_events(score: Score, frame_s: float, played: int = 0) -> Sequence[ScoreEvent]:
    """Group the entries of a score by frame; those of one frame are carried out together.

    With ``played`` frames already played, return the rest, counted from there.
    """
    by_frame = itertools.groupby(score.entries, key=lambda entry: round(entry.time_s / frame_s))
    return [
        ScoreEvent(frame - played, tuple(event for entry in entries for event in entry.events))
        for frame, entries in by_frame
        if frame >= played
    ]


class ScorePlayer:
    """Plays events once, from frame 0, on ``switch``'s models, with what was ``prepared``."""

    def __init__(
        self,
        events: Sequence[ScoreEvent],
        prepared: PreparedScore,
        switch: ModelSwitch,
        prepare_model: PrepareModel,
        wekinator: Sequence[str] = (),
    ) -> None:
        """``wekinator`` are the addresses that Wekinator moves."""
        self._events = events
        self._next = 0
        self._prepared = prepared
        self._switch = switch
        self._prepare_model = prepare_model
        self._targets = wekinator
        self._use(switch.newest)

    def due(self, before_frame: int) -> list[tuple[int, tuple[Event, ...]]]:
        """Return the next events before ``before_frame``, in order, by frame; each only once."""
        found = []
        while self._next < len(self._events):
            score_event = self._events[self._next]
            if score_event.frame >= before_frame:
                break
            self._next += 1
            events = (one for event in score_event.events for one in self._carry_out(event))
            found.append((score_event.frame, tuple(events)))
        return found

    def frames_to_next_deck(self, frame: int, frames: int) -> int:
        """Return how many of the ``frames`` from ``frame`` on precede the next load of a deck."""
        for event in itertools.islice(self._events, self._next, None):
            if event.frame >= frame + frames:
                break
            if event.frame > frame and event.loads_deck:
                return event.frame - frame
        return frames

    def _carry_out(self, event: Event) -> tuple[Event, ...]:
        """Load what ``event`` loads; return what remains to be done on the desk."""
        match event:
            case LoadDeck(deck=deck, source=source):
                self._switch.put_deck(deck, self._prepared.decks[id(event)])
                return (DeckLoaded(deck, source),)
            case LoadModel(name=name):
                return (ModelSwitched(name, self._load_model(self._prepared.models[id(event)])),)
            case _:
                return self._gestures.settings(self._wekinator.settings((event,)))

    def _load_model(self, prepared_model: PreparedModel) -> Callable[[Snapshot], Snapshot]:
        """Offer the new model; return the function that carries the desk over to it."""
        model = self._prepare_model(prepared_model)
        for deck, data in prepared_model.decks.items():
            model.engine.put_deck(deck, data)
        self._switch.offer(model)
        self._use(model)
        return carry_to(model)

    def _use(self, model: Model) -> None:
        """Use a model's gestures, with their own random numbers, and Wekinator's targets in it."""
        engine, latents = model.engine, model.bundle.latents
        self._gestures = Gestures(model.table, latents, lambda: engine.deck_style, refuse=_warn)
        self._wekinator = wekinator_of(model.table, self._targets)


def _warn(event: Event, address: str, why: str) -> None:
    logger.warning("the score's %s was ignored: %s", address, why)
