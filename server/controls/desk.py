"""The desk: the newest value of every control, between control inputs and the engine.

    inputs -> apply(events)  ->  one new Snapshot replaces the old  ->  snapshot()  -> engine

A snapshot is immutable, and taking it reads one reference, so nobody sees half a bundle. A writer
computes the next snapshot first; the lock is held only to compare and replace, so that the engine,
which also writes changes that are due (``timeline``), never waits for the inputs.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import reduce

from server.controls.addresses import BEAT, POSITION, SLICE, SLICES
from server.controls.control import Control, ControlTable
from server.controls.events import (
    ClearMotion,
    Event,
    ModelSwitched,
    Morph,
    MorphStep,
    Panic,
    Play,
    PlayNote,
    SetControl,
    SetGlide,
    Stop,
)
from server.controls.note import NO_NOTE, Note
from server.controls.replies import Argument, Reply


@dataclass(frozen=True)
class Snapshot:
    """Every control's target at one moment.

    ``values``, and the glide time of each in seconds, are in the order of ``ControlTable.slots``.
    ``panics`` counts panics: when it has grown, the engine clears its states. ``jumps`` counts
    jumps of the playhead to ``/position``, ``beat_jumps`` those to ``/beat``, ``motion_clears``
    clears of the motion recorder, ``changes`` all changes. ``model`` is the loaded bundle, empty
    for the first one; ``table`` is its. ``morph`` is the last one begun
    (``server.controls.morph``), ``note`` the last one played.
    """

    table: ControlTable
    values: tuple[float, ...]
    smoothing_s: tuple[float, ...]
    playing: bool = False
    panics: int = 0
    jumps: int = 0
    beat_jumps: int = 0
    motion_clears: int = 0
    changes: int = 0
    model: str = ""
    morph: Morph | None = None
    note: Note = NO_NOTE

    def value(self, address: str) -> float:
        """Return the (first) value at ``address``.

        Raises:
            KeyError: no control there has a value.
        """
        return self.values[self.table.slots[address][0]]

    def vector(self, address: str) -> tuple[float, ...]:
        """Return all values at ``address``: D offsets for ``/latent``.

        Raises:
            KeyError: no control there has a value.
        """
        return tuple(self.values[slot] for slot in self.table.slots[address])


@dataclass(frozen=True)
class Segment:
    """A state, and for how many frames it holds."""

    state: Snapshot
    frames: int


class Desk:
    """Holds the newest snapshot; several inputs write, the engine and the replies read."""

    def __init__(self, table: ControlTable, *, playing: bool = False) -> None:
        self._writers = threading.Lock()
        self._snapshot = Snapshot(table, table.defaults, table.smoothing_s, playing=playing)

    @property
    def table(self) -> ControlTable:
        """The controls of the model that plays."""
        return self._snapshot.table

    def snapshot(self) -> Snapshot:
        """Return the newest state; never blocks."""
        return self._snapshot

    def apply(self, events: Iterable[Event]) -> None:
        """Apply events that belong together as one new snapshot; the newest value wins.

        Events that do not concern the desk (loading, queries) are ignored.

        Raises:
            KeyError: an address has no value; the old snapshot stays.
        """
        self.apply_groups(tuple(events))

    def apply_groups(self, *groups: tuple[Event, ...]) -> tuple[Snapshot, ...]:
        """Apply ``groups``; return the states before, between and after them.

        Raises:
            KeyError: an address has no value; the old snapshot stays.
        """
        if not groups:
            return (self._snapshot,)
        while True:
            states = [self._snapshot]
            for group in groups:
                states.append(reduce(reduce_event, group, states[-1]))
            with self._writers:
                if self._snapshot is states[0]:
                    self._snapshot = states[-1]
                    return tuple(states)

    def restore(
        self, values: tuple[float, ...], smoothing_s: tuple[float, ...], *, playing: bool
    ) -> None:
        """Replace the initial values; nothing jumps, since nothing has been heard yet."""
        model = self._snapshot.model
        self._snapshot = Snapshot(self.table, values, smoothing_s, playing=playing, model=model)

    def segments(self, frames: int) -> tuple[Segment, ...]:
        """Return the newest state for all of the next ``frames`` frames."""
        return (Segment(self._snapshot, frames),)

    def answer(self, address: str) -> Reply:
        """Return the reply to a query: the same address with the present target.

        Raises:
            KeyError: no control there has a value.
        """
        state = self._snapshot
        control = state.table.controls[address]
        values = (state.values[slot] for slot in state.table.answering(address))
        return Reply(address, tuple(shown_value(control, value) for value in values))


def moved(address: str, previous: Snapshot, current: Snapshot) -> bool:
    """Return True if the value at ``address`` has changed; a jump to the same place counts."""
    if address == BEAT:  # its value is the last jump, not the present beat
        return previous.beat_jumps != current.beat_jumps
    if address == POSITION and previous.jumps != current.jumps:
        return True
    return previous.vector(address) != current.vector(address)


def glide_s(state: Snapshot, address: str) -> float:
    """Return the glide time of the (first) value at ``address``, in seconds.

    Raises:
        KeyError: no control there has a value.
    """
    return state.smoothing_s[state.table.slots[address][0]]


def reduce_event(state: Snapshot, event: Event) -> Snapshot:
    """Return the state after ``event``."""
    match event:
        case SetControl():
            return replace(
                state,
                values=_set(state, event),
                jumps=state.jumps + (event.address in (POSITION, SLICE)),
                beat_jumps=state.beat_jumps + (event.address == BEAT),
                changes=state.changes + 1,
            )
        case SetGlide(address=address, seconds=float(seconds)):
            times = list(state.smoothing_s)
            for slot in state.table.slots[address]:
                times[slot] = seconds
            return replace(state, smoothing_s=tuple(times), changes=state.changes + 1)
        case ModelSwitched(carried=carried):
            changed: Snapshot = carried(state)
            return changed
        case MorphStep():
            return replace(state, values=_morphed(state, event), changes=state.changes + 1)
        case Morph():
            return replace(state, morph=event, changes=state.changes + 1)
        case ClearMotion():
            clears = state.motion_clears + 1
            return replace(state, motion_clears=clears, changes=state.changes + 1)
        case PlayNote():
            return replace(state, note=state.note.after(event), changes=state.changes + 1)
        case Play():
            return replace(state, playing=True, changes=state.changes + 1)
        case Stop():
            return replace(_stopped(state), changes=state.changes + 1)
        case Panic():
            panics, changes = state.panics + 1, state.changes + 1
            return replace(_stopped(state), panics=panics, morph=None, changes=changes)
        case _:
            return state


def _morphed(state: Snapshot, step: MorphStep) -> tuple[float, ...]:
    """The values after ``step``, except those that something else has moved."""
    values = list(state.values)
    for address, (previous, target) in step.steps.items():
        slots = state.table.slots.get(address, ())
        if tuple(values[slot] for slot in slots) == previous:
            for slot, value in zip(slots, target, strict=True):
                values[slot] = value
    return tuple(values)


def _stopped(state: Snapshot) -> Snapshot:
    return replace(state, playing=False, note=state.note.released())


def _set(state: Snapshot, event: SetControl) -> tuple[float, ...]:
    slots = state.table.slots[event.address]
    control = state.table.controls[event.address]
    new_values = _spread(control, event.values, len(slots))
    values = list(state.values)
    for slot, value in zip(slots, new_values, strict=False):
        values[slot] = value
    for address in control.resets:
        for slot in state.table.slots[address]:
            values[slot] = state.table.defaults[slot]
    if event.address == SLICE:
        _loop_slice(state.table, values, new_values[0])
    return tuple(values)


def _loop_slice(table: ControlTable, values: list[float], index: float) -> None:
    """Loop one of the deck's slices, from its start."""
    start, end = table.slots["/loop"]
    values[start], values[end] = index / SLICES, (index + 1) / SLICES
    values[table.slots[POSITION][0]] = 0.0


def _spread(control: Control, values: tuple[float, ...], count: int) -> tuple[float, ...]:
    if control.sources:
        return tuple(values[source] for source in control.sources)
    return values * count if control.is_fan_out else values


def shown_value(control: Control, value: float) -> Argument:
    """Return a value for display: the word of a choice, a whole number, or the number itself."""
    if control.choices:
        return control.choices[int(value)]
    return int(value) if "i" in control.types else value
