"""The mappings as they act: moves of knobs to events, and the state of each knob."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from server.controls.control import ControlTable
from server.controls.desk import Desk
from server.controls.events import EventSink, SetControl
from server.midi.decode.moves import Knob, Move
from server.midi.mappings.mapping import MidiMapping, knob_position
from server.midi.mappings.mapping_table import MappingTable
from server.midi.mappings.turning import KnobState, TakeoverState, turn

logger = logging.getLogger(__name__)


class ActiveMappings:
    """Turns moves into events for ``on_events``, by the mappings of ``table``."""

    def __init__(self, desk: Desk, on_events: EventSink, table: MappingTable | None = None) -> None:
        self._desk = desk
        self._on_events = on_events
        self._controls = desk.table
        self._states: dict[tuple[Knob, MidiMapping], KnobState] = {}
        self._table = _adapted(table or MappingTable(), desk.table)

    @property
    def table(self) -> MappingTable:
        """The mappings, with the defaults of the model that plays."""
        if self._controls is not self._desk.table:
            self._controls = self._desk.table
            self._table = _adapted(self._table, self._controls)
        return self._table

    @table.setter
    def table(self, table: MappingTable) -> None:
        self._table = table
        mappings = set(table.mappings)
        self._states = {key: state for key, state in self._states.items() if key[1] in mappings}

    def take(self, moves: Iterable[Move]) -> None:
        """Carry out ``moves``, in order."""
        for move in moves:
            settings = [self._turn(mapping, move) for mapping in self._playable(move.knob)]
            if events := tuple(event for event in settings if event is not None):
                self._on_events(events)

    def set_position(self, mapping: MidiMapping, move: Move) -> None:
        """Note where the knob is after ``move``, which moved nothing."""
        self._states[move.knob, mapping] = KnobState(TakeoverState(knob_position(move)))

    def last_value(self, mapping: MidiMapping, knob: Knob) -> float | None:
        """Return the value that ``knob`` last gave its control; None if it has yet to take over."""
        state = self._states.get((knob, mapping))
        return state.value if state else None

    def _playable(self, knob: Knob) -> list[MidiMapping]:
        """Return the mappings of ``knob`` whose controls the model has."""
        slots = self._desk.table.slots
        return [mapping for mapping in self.table.of_knob(knob) if mapping.address in slots]

    def _turn(self, mapping: MidiMapping, move: Move) -> SetControl | None:
        control = self._desk.table.controls[mapping.address]
        previous = self._states.get((move.knob, mapping), KnobState())
        present = self._desk.snapshot().value(mapping.address)
        state = self._states[move.knob, mapping] = turn(mapping, control, previous, move, present)
        return None if state.value is None else SetControl(mapping.address, (state.value,))


def _adapted(table: MappingTable, controls: ControlTable) -> MappingTable:
    """Return ``table`` for another model, and log which of its controls that one lacks."""
    missing = {one.address for one in table.learned if one.address not in controls.slots}
    if missing:
        addresses = ", ".join(sorted(missing))
        logger.warning("mapped, but not in this bundle; the mapping is kept: %s", addresses)
    return table.with_defaults(controls)
