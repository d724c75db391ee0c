"""Keeps the state of the instrument five times a second, and restores it after a crash.

    desk, playhead, motion loop, decks, facts  --->  StateFolder  --->  the next instrument

Playing goes on where the playhead was at most ``INTERVAL_S`` before the crash. Ringing tails, and
the structure that the prior drew last, are not kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from server.controls.control import ControlTable
from server.controls.desk import Desk
from server.controls.timeline import Timeline
from server.engine.deck import DeckData
from server.engine.engine import Engine
from server.engine.playhead import Playhead
from server.supervision.motion_arrays import MotionLoop
from server.supervision.state_folder import Facts, LastState, StateFolder

INTERVAL_S = 0.2
"""Between two snapshots of the playhead."""


class PlayedState(Protocol):
    """The engine that plays, or a switch between engines."""

    @property
    def playhead(self) -> Playhead:
        """The position in the music."""

    @property
    def decks(self) -> Mapping[str, DeckData]:
        """The loaded music, by deck."""


class StateKeeper:
    """Writes the state of one engine and its desk to ``folder``."""

    def __init__(
        self,
        folder: StateFolder,
        desk: Desk,
        engine: PlayedState,
        timeline: Timeline,
        facts: Callable[[], Facts],
    ) -> None:
        self.folder = folder
        self._desk = desk
        self._engine = engine
        self._timeline = timeline
        self._facts = facts
        self._playhead = engine.playhead.state
        self._seen_frame = 0
        self._decks: dict[str, DeckData] = {}
        self._motion: MotionLoop | None = None
        self._written: LastState | None = None

    def look(self) -> None:
        """Take a snapshot of the playhead if the last one is older than ``INTERVAL_S``.

        Called between two blocks by the engine's thread, which alone moves the playhead.
        """
        frame = self._timeline.next_frame
        if (frame - self._seen_frame) * self._timeline.clock.frame_s >= INTERVAL_S:
            self._seen_frame = frame
            self._playhead = self._engine.playhead.state

    def write(self) -> None:
        """Write what has changed; always from the same thread.

        Raises:
            OSError: it cannot be written.
        """
        for letter, deck in self._engine.decks.items():
            if self._decks.get(letter) is not deck:
                self.folder.write_deck(letter, deck)
                self._decks[letter] = deck
        motion = self._timeline.motion.loop
        if motion != self._motion:
            self.folder.write_motion(motion)
            self._motion = motion
        state = self._state()
        if state != self._written:
            self.folder.write(state)
            self._written = state

    def _state(self) -> LastState:
        snapshot = self._desk.snapshot()
        addresses = [control.address for control in snapshot.table.values]
        return LastState(
            values={address: snapshot.vector(address) for address in addresses},
            smoothing_s={
                address: tuple(snapshot.smoothing_s[n] for n in snapshot.table.slots[address])
                for address in addresses
            },
            playing=snapshot.playing,
            playhead=self._playhead,
            facts=self._facts(),
            model=snapshot.model,
            frames=self._timeline.frames_before + self._seen_frame,
        )


def restore(
    state: LastState, folder: StateFolder, desk: Desk, engine: Engine, timeline: Timeline
) -> None:
    """Go on from ``state``, and the decks and motion in ``folder``; before anything runs."""
    table = desk.table
    desk.restore(
        _by_slot(table, table.defaults, state.values),
        _by_slot(table, table.smoothing_s, state.smoothing_s),
        playing=state.playing,
    )
    for letter, deck in folder.read_decks().items():
        # A crash while changing models may leave decks of the other one.
        if len(deck.structure) == engine.manifest.structure_dims:
            engine.put_deck(letter, deck)
    timeline.frames_before = state.frames
    engine.playhead.restore(state.playhead)
    motion = folder.read_motion()
    if motion is not None:
        timeline.motion.restore_loop(*motion)


def _by_slot(
    table: ControlTable, defaults: tuple[float, ...], kept: Mapping[str, tuple[float, ...]]
) -> tuple[float, ...]:
    """``kept`` by address in the table's order, with ``defaults`` for what it lacks."""
    by_slot = list(defaults)
    for address, numbers in kept.items():
        for slot, number in zip(table.slots.get(address, ()), numbers, strict=False):
            by_slot[slot] = number
    return tuple(by_slot)
