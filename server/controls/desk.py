"""The desk: the newest value of every control, between the hands and the engine.

    hands ->  apply(events)  ->  one new Snapshot replaces the old  ->  snapshot()  -> engine

A snapshot never changes, and taking it reads one reference, so nobody sees half a bundle. Whoever
writes works out the next snapshot first; the lock is held only to compare and replace, so that the
engine, which writes what was due at its time (``timeline``), never waits for the hands.
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

    ``values``, and in how many seconds each is followed, are in the order of
    ``ControlTable.slots``. ``panics`` counts the panics so far:
    when it has grown, the engine clears its states; ``jumps`` those of the playhead to
    ``/position``, ``beat_jumps`` those to ``/beat``, ``motion_clears`` those of the motion
    recorder. ``changes`` counts what was applied. ``model`` is the bundle that was loaded, empty
    for that of the start; ``table`` is its.
    ``morph`` is the one that was begun last (``server.controls.morph``).
    ``note`` is the last one that was played.
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


@dataclass(frozen=True)
class Segment:
    """A state, and for how many frames it holds."""

    state: Snapshot
    frames: int


class Desk:
    """Holds the newest snapshot; many hands write, the engine and the replies read."""

    def __init__(self, table: ControlTable, *, playing: bool = False) -> None:
        self._writers = threading.Lock()
        self._snapshot = Snapshot(table, table.defaults, table.smoothing_s, playing=playing)

    @property
    def table(self) -> ControlTable:
        """The controls of the model that plays."""
        return self._snapshot.table

    def snapshot(self) -> Snapshot:
        """The newest state; never blocks."""
        return self._snapshot

    def apply(self, events: Iterable[Event]) -> None:
        """Take what belongs together into one new snapshot; the newest value wins.

        Events that are not the desk's (loading, questions) are passed over.

        Raises:
            KeyError: an address that holds no value; the old snapshot stays.
        """
        self.apply_groups(tuple(events))

    def apply_groups(self, *groups: tuple[Event, ...]) -> tuple[Snapshot, ...]:
        """The states before, between and after ``groups``; the last one is the newest now.

        Raises:
            KeyError: an address that holds no value; the old snapshot stays.
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
        """Begin with other values than the table's; nothing jumps, for nothing has been heard."""
        model = self._snapshot.model
        self._snapshot = Snapshot(self.table, values, smoothing_s, playing=playing, model=model)

    def segments(self, frames: int) -> tuple[Segment, ...]:
        """The newest state for all of the next ``frames`` frames."""
        return (Segment(self._snapshot, frames),)

    def answer(self, address: str) -> Reply:
        """The reply to a question: the same address with the present target.

        Raises:
            KeyError: no control there has a value.
        """
        state = self._snapshot
        control = state.table.controls[address]
        values = (state.values[slot] for slot in state.table.answering(address))
        return Reply(address, tuple(shown_value(control, value) for value in values))


def moved(address: str, before: Snapshot, now: Snapshot) -> bool:
    """Whether the value at ``address`` is another one; a jump to the same place is one too."""
    if address == BEAT:  # nowhere else is what it says a moment later
        return before.beat_jumps != now.beat_jumps
    if address == POSITION and before.jumps != now.jumps:
        return True
    return before.vector(address) != now.vector(address)


def glide_s(state: Snapshot, address: str) -> float:
    """In how many seconds the (first) value at ``address`` is followed.

    Raises:
        KeyError: no control there has a value.
    """
    return state.smoothing_s[state.table.slots[address][0]]


def reduce_event(state: Snapshot, event: Event) -> Snapshot:
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
            return replace(state, values=_slid(state, event), changes=state.changes + 1)
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
            return replace(_silent(state), changes=state.changes + 1)
        case Panic():
            panics, changes = state.panics + 1, state.changes + 1
            return replace(_silent(state), panics=panics, morph=None, changes=changes)
        case _:
            return state


def _slid(state: Snapshot, slide: MorphStep) -> tuple[float, ...]:
    """The values after ``slide``, where nobody else has moved them."""
    values = list(state.values)
    for address, (before, now) in slide.steps.items():
        slots = state.table.slots.get(address, ())
        if tuple(values[slot] for slot in slots) == before:
            for slot, value in zip(slots, now, strict=True):
                values[slot] = value
    return tuple(values)


def _silent(state: Snapshot) -> Snapshot:
    return replace(state, playing=False, note=state.note.released())


def _set(state: Snapshot, event: SetControl) -> tuple[float, ...]:
    slots = state.table.slots[event.address]
    control = state.table.controls[event.address]
    given = _spread(control, event.values, len(slots))
    values = list(state.values)
    for slot, value in zip(slots, given, strict=False):
        values[slot] = value
    for address in control.resets:
        for slot in state.table.slots[address]:
            values[slot] = state.table.defaults[slot]
    if event.address == SLICE:
        _loop_slice(state.table, values, given[0])
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
    """A value as it is told: the word of a choice, a whole number, or as it is."""
    if control.choices:
        return control.choices[int(value)]
    return int(value) if "i" in control.types else value
