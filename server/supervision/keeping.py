"""Keeps what the instrument does, five times a second, and takes it up again after it died.

    desk, playhead, motion loop, decks, output, port  --->  server.state_folder  --->  the next one

Playing goes on where the playhead was at most ``INTERVAL_S`` before. What rang and what the prior
drew last is not kept.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from typing import Protocol

from server.controls.control import ControlTable
from server.controls.desk import Desk
from server.controls.timeline import Timeline
from server.engine.deck import DeckData
from server.engine.engine import Engine
from server.engine.playhead import Playhead
from server.supervision.state_folder import Facts, LastState, StateFolder

INTERVAL_S = 0.2
"""Between two looks at the playhead."""


class PlayedState(Protocol):
    """What plays: an engine, or a switch between some."""

    @property
    def playhead(self) -> Playhead:
        """Where it is in the music."""

    @property
    def decks(self) -> Mapping[str, DeckData]:
        """What was laid onto the decks last."""


class StateKeeper:
    """Writes the state of one engine and its desk."""

    def __init__(
        self,
        folder: StateFolder,
        desk: Desk,
        engine: PlayedState,
        timeline: Timeline,
        facts: Callable[[], Facts],
    ) -> None:
        self._folder = folder
        self._desk = desk
        self._engine = engine
        self._timeline = timeline
        self._facts = facts
        self._playhead = pickle.dumps(engine.playhead)
        self._seen_frame = 0
        self._decks: dict[str, DeckData] = {}
        self._written: LastState | None = None

    def look(self) -> None:
        """Between two blocks, in the engine's thread, which alone moves the playhead."""
        frame = self._timeline.next_frame
        if (frame - self._seen_frame) * self._timeline.clock.frame_s >= INTERVAL_S:
            self._seen_frame = frame
            self._playhead = pickle.dumps(self._engine.playhead)

    def write(self) -> None:
        """Write what has changed; in one thread."""
        for name, deck in self._engine.decks.items():
            if self._decks.get(name) is not deck:
                self._folder.write_deck(name, deck)
                self._decks[name] = deck
        state = self._state()
        if state != self._written:
            self._folder.write(state)
            self._written = state

    def show_life(self) -> None:
        """Tell the parent that this instrument does not hang, whatever could be written."""
        self._folder.show_life()

    def forget(self) -> None:
        """Nothing is to go on with it: it ends in good order."""
        self._folder.forget()

    def _state(self) -> LastState:
        snapshot = self._desk.snapshot()
        own = [control.address for control in snapshot.table.values]
        return LastState(
            values={address: snapshot.vector(address) for address in own},
            smoothing_s={
                address: tuple(snapshot.smoothing_s[n] for n in snapshot.table.slots[address])
                for address in own
            },
            playing=snapshot.playing,
            playhead=self._playhead,
            facts=self._facts(),
            model=snapshot.model,
            motion=self._timeline.motion.loop,
            frames=self._timeline.frames_before + self._seen_frame,
        )


def take_up(
    state: LastState, decks: Mapping[str, DeckData], desk: Desk, engine: Engine, timeline: Timeline
) -> None:
    """Be as the instrument before was; before anything runs."""
    table = desk.table
    desk.restore(
        _laid_out(table, table.defaults, state.values),
        _laid_out(table, table.smoothing_s, state.smoothing_s),
        playing=state.playing,
    )
    for name, deck in decks.items():
        if len(deck.structure) == engine.manifest.structure_dims:  # else it died changing models
            engine.put_deck(name, deck)
    timeline.frames_before = state.frames
    engine.playhead = pickle.loads(state.playhead)
    if state.motion is not None:
        timeline.motion.restore_loop(*state.motion)


def _laid_out(
    table: ControlTable, usual: tuple[float, ...], kept: Mapping[str, tuple[float, ...]]
) -> tuple[float, ...]:
    """``kept`` by address in the table's order, what is not there as ``usual``."""
    laid = list(usual)
    for address, numbers in kept.items():
        for slot, number in zip(table.slots.get(address, ()), numbers, strict=False):
            laid[slot] = number
    return tuple(laid)
