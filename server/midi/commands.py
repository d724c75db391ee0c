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
from server.midi.learn import LEARN, LearnedKnob, LearnRequest, MidiLearn, mappable
from server.midi.mappings.active_mappings import ActiveMappings
from server.midi.mappings.mapping import KnobPattern, MidiMapping, MidiMappingError
from server.midi.mappings.mapping_file import MappingFile
from server.midi.mappings.mapping_options import options_of, with_option
from server.midi.mappings.mapping_table import MappingTable, with_default_range
from server.midi.ports.open_ports import PortChanges
from server.system.callbacks import Later

FORGET = "/midi/forget"
MAP = "/midi/map"
MAPS = "/midi/maps"


class MidiCommands(Feature):
    """Applies, learns, lists and changes mappings; used by the event loop's thread."""

    def __init__(self, desk: Desk, file: MappingFile, notify: NotifyClients, later: Later) -> None:
        """Start with the mappings in ``file``."""
        self._desk = desk
        self._feedback: Feedback | None = None
        self._mappings = ActiveMappings(desk, self._send, file.read())
        self._write = file.write
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
        return self._mappings.table

    def take(self, moves: Iterable[Move]) -> None:
        """Learn from ``moves``, or set the mapped controls."""
        for move in moves:
            if self._feedback and self._feedback.is_echo(move):
                continue
            if not self._learner.take(move):
                self._mappings.take([move])
                if self._feedback:
                    self._feedback.moved(move)

    def start_feedback(self, send: Send) -> None:
        """Keep LEDs and motor faders up to date from now on; ``send`` sends to controllers."""
        self._feedback = Feedback(self._desk, self._mappings, send, self._later)
        self._feedback.start()

    def is_mapped(self, knob: Knob) -> bool:
        """Return True if a mapping uses ``knob``."""
        return bool(self._mappings.table.of_knob(knob))

    def on_ports(self, changes: PortChanges, are_any: bool) -> None:
        """Handle ports that appeared or disappeared; ``are_any``: some are left."""
        self._learner.drop_ports(changes.gone, are_any)
        if self._feedback:
            self._feedback.forget(changes.came)

    def _send(self, events: tuple[Event, ...]) -> None:
        self.dispatcher(events)

    def _learned(self, request: LearnRequest, found: LearnedKnob, last: Move) -> None:
        knob, table, address = found.knob, self._mappings.table, request.address
        pattern = KnobPattern(knob.port, knob.channel, knob.kind, knob.number)
        default = with_default_range(MidiMapping(address, pattern), self._desk.table)
        same = (one for one in table.learned if (one.address, one.pattern) == (address, pattern))
        mapping = replace(next(same, default), relative=found.relative, bits=found.bits)
        if request.takeover is not None:
            mapping = replace(mapping, takeover=request.takeover)
        self._keep(request.event, table.with_learned(mapping), LEARN, address, str(pattern))
        self._mappings.set_position(mapping, last)

    def _on_forget(self, event: ForgetMidi) -> None:
        table = self._mappings.table
        if table.of_address(event.address):
            self._keep(event, table.without(event.address), FORGET, event.address)
        else:
            reason = f"nothing is mapped to {event.address!r:.60}; {MAPS} lists all mappings"
            event.answer(replies.fail(FORGET, reason))

    def _on_list(self, event: ListMidiMaps) -> None:
        self._list(event, self._mappings.table.mappings)
        event.answer(replies.done(MAPS, len(self._mappings.table.mappings)))

    def _on_change(self, event: ChangeMidiMap) -> None:
        try:
            self._change(event)
        except MidiMappingError as error:
            event.answer(replies.fail(MAP, str(error)))

    def _change(self, event: ChangeMidiMap) -> None:
        table, control = self._mappings.table, mappable(self._desk, event.address)
        mappings = [
            one for one in table.of_address(event.address) if event.knob in (None, str(one.pattern))
        ]
        if not mappings:
            knob = "" if event.knob is None else f" from '{event.knob:.60}'"
            raise MidiMappingError(
                f"nothing is mapped to {event.address}{knob}; {LEARN} maps a knob"
            )
        if event.option is None:
            self._list(event, mappings)
            event.answer(replies.done(MAP, event.address))
            return
        if event.value is None:
            raise MidiMappingError(f"{event.option!r:.40} needs a value")
        for one in mappings:
            table = table.with_changed(one, with_option(one, control, event.option, event.value))
        self._keep(event, table, MAP, event.address, event.option, event.value)

    def _list(self, event: Event, mappings: Iterable[MidiMapping]) -> None:
        for one in mappings:
            options = options_of(one, self._desk.table.controls.get(one.address))
            event.answer(Reply(MAP, (one.address, str(one.pattern), *options)))

    def _keep(self, event: Event, table: MappingTable, command: str, *arguments: Argument) -> None:
        """Use ``table`` from now on, write it, and answer when it is on disk."""

        def then(failure: str | None) -> None:
            done = replies.done(command, *arguments)
            event.answer(done if failure is None else replies.fail(command, failure))

        self._mappings.table = table
        self._write(table, then)
        self._notify(Reply(command, arguments), event.reply_to)
