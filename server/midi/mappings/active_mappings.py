"""What moved to events, by the mappings; also what each knob holds of its control."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from server.controls.control import ControlTable
from server.controls.desk import Desk
from server.controls.events import EventSink, SetControl
from server.midi.decode.moves import Knob, Move
from server.midi.mappings.mapping import MidiMap, knob_place
from server.midi.mappings.mapping_table import MappingTable
from server.midi.mappings.takeover import TakeoverState
from server.midi.mappings.turning import KnobState, turn

logger = logging.getLogger(__name__)


class ActiveMappings:
    """Hands what the mappings of ``book`` make of each move to ``on_events``."""

    def __init__(self, desk: Desk, on_events: EventSink, book: MappingTable | None = None) -> None:
        self._desk = desk
        self._on_events = on_events
        self._table = desk.table
        self._held: dict[tuple[Knob, MidiMap], KnobState] = {}
        self._book = _over(book or MappingTable(), desk.table)

    @property
    def book(self) -> MappingTable:
        """The mappings, over the controls of the model that plays."""
        if self._table is not self._desk.table:
            self._table = self._desk.table
            self._book = _over(self._book, self._table)
        return self._book

    @book.setter
    def book(self, book: MappingTable) -> None:
        self._book = book
        maps = set(book.maps)
        self._held = {key: held for key, held in self._held.items() if key[1] in maps}

    def take(self, moves: Iterable[Move]) -> None:
        """Carry out what moved, in order."""
        for move in moves:
            settings = [self._set(one, move) for one in self._here(move.knob)]
            if events := tuple(event for event in settings if event is not None):
                self._on_events(events)

    def stands(self, one: MidiMap, move: Move) -> None:
        """The knob has come to where ``move`` says, and moved nothing."""
        self._held[move.knob, one] = KnobState(TakeoverState(knob_place(move)))

    def gave(self, one: MidiMap, knob: Knob) -> float | None:
        """The value that ``knob`` last gave its control by ``one``; None: none, or it only waits
        to take it over."""
        held = self._held.get((knob, one))
        return held.value if held else None

    def _here(self, knob: Knob) -> list[MidiMap]:
        """What ``knob`` moves that the model has."""
        return [one for one in self.book.of_knob(knob) if one.address in self._desk.table.slots]

    def _set(self, one: MidiMap, move: Move) -> SetControl | None:
        control = self._desk.table.controls[one.address]
        before = self._held.get((move.knob, one), KnobState())
        present = self._desk.snapshot().value(one.address)
        held = self._held[move.knob, one] = turn(one, control, before, move, present)
        return None if held.value is None else SetControl(one.address, (held.value,))


def _over(book: MappingTable, table: ControlTable) -> MappingTable:
    """``book`` for another model; what that does not have is said."""
    missing = {one.address for one in book.learned if one.address not in table.slots}
    if missing:
        known = ", ".join(sorted(missing))
        logger.warning("mapped, but not in this bundle, and kept: %s", known)
    return book.over(table)
