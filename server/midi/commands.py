"""The commands ``/midi/learn``, ``/midi/map``, ``/midi/maps`` and ``/midi/forget``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from server.controls import replies
from server.controls.desk import Desk
from server.controls.events import (
    ChangeMidiMap,
    Event,
    ForgetMidi,
    LearnMidi,
    ListMidiMaps,
)
from server.controls.feature import Feature, Handler
from server.controls.notify import NotifyClients
from server.controls.replies import Argument, Reply
from server.midi.decode.moves import Knob, Move
from server.midi.feedback import Feedback, Send
from server.midi.learner import LEARN, LearnRequest, MidiLearn, mappable
from server.midi.learning import LearnedKnob
from server.midi.mappings.active_mappings import ActiveMappings
from server.midi.mappings.mapping import KnobPattern, MidiMap, MidiMapError
from server.midi.mappings.mapping_options import options_of, with_option
from server.midi.mappings.mapping_table import MappingTable, ranged
from server.midi.mappings.store import MappingStore
from server.midi.ports.open_ports import PortChanges
from server.system.callbacks import Later

FORGET = "/midi/forget"
MAP = "/midi/map"
MAPS = "/midi/maps"


class MidiCommands(Feature):
    """Applies, learns, lists and changes mappings; used by the event loop's thread."""

    def __init__(
        self, desk: Desk, store: MappingStore, notify: NotifyClients, later: Later
    ) -> None:
        """Start with the mappings in ``store``."""
        self._desk = desk
        self._feedback: Feedback | None = None
        self._mappings = ActiveMappings(desk, self._send, store.read())
        self._write = store.write
        self._notify = notify
        self._later = later
        self._learner = MidiLearn(desk, later, self._learned)

    def handlers(self) -> Mapping[type[Event], Handler]:
        """``/midi/...``; changes are answered with ``/done`` once they are on disk."""
        return {
            LearnMidi: self._learner.begin,
            ForgetMidi: self._on_forget,
            ListMidiMaps: self._on_list,
            ChangeMidiMap: self._on_change,
        }

    @property
    def table(self) -> MappingTable:
        """The present mappings."""
        return self._mappings.book

    def take(self, moves: Iterable[Move]) -> None:
        """Learn from ``moves``, or set the mapped controls."""
        for move in moves:
            if self._feedback and self._feedback.is_echo(move):
                continue
            if not self._learner.hear(move):
                self._mappings.take([move])
                if self._feedback:
                    self._feedback.moved(move)

    def start_feedback(self, send: Send) -> None:
        """Keep LEDs and motor faders up to date from now on; ``send`` sends to controllers."""
        self._feedback = Feedback(self._desk, self._mappings, send, self._later)
        self._feedback.start()

    def is_mapped(self, knob: Knob) -> bool:
        """Return True if a mapping uses ``knob``."""
        return bool(self._mappings.book.of_knob(knob))

    def on_ports(self, changes: PortChanges, are_any: bool) -> None:
        """Handle ports that appeared or disappeared; ``are_any``: some are left."""
        self._learner.gone(changes.gone, are_any)
        if self._feedback:
            self._feedback.forget(changes.came)

    def _send(self, events: tuple[Event, ...]) -> None:
        self.dispatcher(events)

    def _learned(self, request: LearnRequest, found: LearnedKnob, last: Move) -> None:
        knob, table, address = found.knob, self._mappings.book, request.address
        pattern = KnobPattern(knob.port, knob.channel, knob.kind, knob.number)
        default = ranged(MidiMap(address, pattern), self._desk.table)
        same = (one for one in table.learned if (one.address, one.knobs) == (address, pattern))
        mapping = replace(next(same, default), relative=found.relative, bits=found.bits)
        if request.takeover is not None:
            mapping = replace(mapping, takeover=request.takeover)
        self._keep(request.event, table.taught(mapping), LEARN, address, str(pattern))
        self._mappings.stands(mapping, last)

    def _on_forget(self, event: ForgetMidi) -> None:
        table = self._mappings.book
        if table.of_address(event.address):
            self._keep(event, table.without(event.address), FORGET, event.address)
        else:
            reason = f"nothing is mapped to {event.address!r:.60}; {MAPS} lists all mappings"
            event.answer(replies.fail(FORGET, reason))

    def _on_list(self, event: ListMidiMaps) -> None:
        self._list(event, self._mappings.book.maps)
        event.answer(replies.done(MAPS, len(self._mappings.book.maps)))

    def _on_change(self, event: ChangeMidiMap) -> None:
        try:
            self._change(event)
        except MidiMapError as error:
            event.answer(replies.fail(MAP, str(error)))

    def _change(self, event: ChangeMidiMap) -> None:
        table, control = self._mappings.book, mappable(self._desk, event.address)
        mappings = [
            one for one in table.of_address(event.address) if event.knob in (None, str(one.knobs))
        ]
        if not mappings:
            knob = "" if event.knob is None else f" from '{event.knob:.60}'"
            raise MidiMapError(f"nothing is mapped to {event.address}{knob}; {LEARN} maps a knob")
        if event.option is None:
            self._list(event, mappings)
            event.answer(replies.done(MAP, event.address))
            return
        if event.value is None:
            raise MidiMapError(f"{event.option!r:.40} needs a value")
        for one in mappings:
            table = table.changed(one, with_option(one, control, event.option, event.value))
        self._keep(event, table, MAP, event.address, event.option, event.value)

    def _list(self, event: Event, mappings: Iterable[MidiMap]) -> None:
        for one in mappings:
            options = options_of(one, self._desk.table.controls.get(one.address))
            event.answer(Reply(MAP, (one.address, str(one.knobs), *options)))

    def _keep(self, event: Event, table: MappingTable, command: str, *arguments: Argument) -> None:
        """Use ``table`` from now on, write it, and answer when it is on disk."""

        def then(failure: str | None) -> None:
            done = replies.done(command, *arguments)
            event.answer(done if failure is None else replies.fail(command, failure))

        self._mappings.book = table
        self._write(table, then)
        self._notify(Reply(command, arguments), event.reply_to)
