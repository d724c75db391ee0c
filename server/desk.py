"""The desk: the newest value of every control, between the hands and the engine.

    hands ->  apply(events)  ->  one new Snapshot replaces the old  ->  snapshot()  -> engine

A snapshot never changes, and taking it reads one reference, so the engine waits for nobody and
never sees half a bundle. Hands on several threads queue at a lock the engine does not touch.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, replace

from server.controls import Control, ControlTable
from server.events import Event, Panic, Play, SetControl, Stop
from server.replies import Reply


@dataclass(frozen=True)
class Snapshot:
    """Every control's target at one moment.

    ``values`` is in the order of ``ControlTable.slots``. ``panics`` counts the panics so far:
    when it has grown, the engine clears its states. ``changes`` counts what was applied.
    """

    table: ControlTable
    values: tuple[float, ...]
    playing: bool = False
    panics: int = 0
    changes: int = 0

    def value(self, address: str) -> float:
        """The (first) value at ``address``.

        Raises:
            KeyError: no control there has a value.
        """
        return self.values[self.table.slots[address][0]]

    def vector(self, address: str) -> tuple[float, ...]:
        """All values at ``address``: D offsets for ``/latent``.

        Raises:
            KeyError: no control there has a value.
        """
        return tuple(self.values[slot] for slot in self.table.slots[address])


class Desk:
    """Holds the newest snapshot; many hands write, the engine and the replies read."""

    def __init__(self, table: ControlTable, *, playing: bool = False) -> None:
        self.table = table
        self._writers = threading.Lock()
        self._snapshot = Snapshot(table, table.defaults, playing=playing)

    def snapshot(self) -> Snapshot:
        """The newest state; never blocks."""
        return self._snapshot

    def apply(self, events: Iterable[Event]) -> None:
        """Take what belongs together into one new snapshot; the newest value wins.

        Events that are not the desk's (loading, questions) are passed over.

        Raises:
            KeyError: an address that holds no value; the old snapshot stays.
        """
        with self._writers:
            state = self._snapshot
            for event in events:
                state = _after(state, event)
            self._snapshot = state

    def answer(self, address: str) -> Reply:
        """The reply to a question: the same address with the present target.

        Raises:
            KeyError: no control there has a value.
        """
        control = self.table.controls[address]
        values = self._snapshot.vector(address)[: len(control.types)]
        return Reply(
            address,
            tuple(
                int(value) if tag == "i" else value
                for tag, value in zip(control.types, values, strict=True)
            ),
        )


def _after(state: Snapshot, event: Event) -> Snapshot:
    match event:
        case SetControl():
            values = _set(state, event)
            return replace(state, values=values, changes=state.changes + 1)
        case Play() | Stop():
            return replace(state, playing=isinstance(event, Play), changes=state.changes + 1)
        case Panic():
            return replace(state, playing=False, panics=state.panics + 1, changes=state.changes + 1)
        case _:
            return state


def _set(state: Snapshot, event: SetControl) -> tuple[float, ...]:
    slots = state.table.slots[event.address]
    given = _spread(state.table.controls[event.address], event.values, len(slots))
    values = list(state.values)
    for slot, value in zip(slots, given, strict=False):
        values[slot] = value
    return tuple(values)


def _spread(control: Control, values: tuple[float, ...], count: int) -> tuple[float, ...]:
    return values * count if control.is_fan_out else values
