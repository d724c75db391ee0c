"""What is asked for the mappings, carried out, kept and told; and what knobs do meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from server.controls import replies
from server.controls.desk import Desk
from server.controls.events import (
    ChangeMidiMap,
    Event,
    EventSink,
    ForgetMidi,
    LearnMidi,
    ListMidiMaps,
    MidiMapEvent,
)
from server.controls.notify import Tell
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
from server.system.callbacks import Later, Then

FORGET = "/midi/forget"
MAP = "/midi/map"
MAPS = "/midi/maps"

Write = Callable[[MappingTable, Then], None]


class MidiCommands:
    """Used by the thread of the event loop."""

    def __init__(
        self,
        desk: Desk,
        mappings: ActiveMappings,
        write: Write,
        tell: Tell,
        later: Later,
        feedback: Feedback | None = None,
    ) -> None:
        """Without ``feedback`` controllers are told nothing."""
        self._desk = desk
        self._feedback = feedback
        self._mappings = mappings
        self._write = write
        self._tell = tell
        self._learner = MidiLearn(desk, later, self._learned)

    @property
    def table(self) -> MappingTable:
        """The mappings that are in force."""
        return self._mappings.table

    def take(self, moves: Iterable[Move]) -> None:
        """Knobs have moved."""
        for move in moves:
            if self._feedback and self._feedback.is_echo(move):
                continue
            if not self._learner.take(move):
                self._mappings.take([move])
                if self._feedback:
                    self._feedback.moved(move)

    def start(self) -> None:
        """Tell controllers from now on."""
        if self._feedback:
            self._feedback.start()

    def is_mapped(self, knob: Knob) -> bool:
        """Whether ``knob`` does what a mapping says."""
        return bool(self._mappings.table.of_knob(knob))

    def ports(self, seen: PortChanges, are_any: bool) -> None:
        """Ports came and have gone; whether there are any now."""
        self._learner.drop_ports(seen.gone, are_any)
        if self._feedback:
            self._feedback.forget(seen.came)

    def carry_out(self, event: MidiMapEvent) -> None:
        """Do what ``event`` says; answered with ``/done`` when it is kept."""
        try:
            match event:
                case LearnMidi():
                    self._learner.begin(event)
                case ForgetMidi():
                    self._forget(event)
                case ListMidiMaps():
                    self._list(event, self._mappings.table.mappings)
                    event.answer(replies.done(MAPS, len(self._mappings.table.mappings)))
                case ChangeMidiMap():
                    self._change(event)
        except MidiMappingError as error:
            command = MAP if isinstance(event, ChangeMidiMap) else FORGET
            event.answer(replies.fail(command, str(error)))

    def _learned(self, request: LearnRequest, found: LearnedKnob, last: Move) -> None:
        knob, table = found.knob, self._mappings.table
        knobs = KnobPattern(knob.port, knob.channel, knob.kind, knob.number)
        usual = with_default_range(MidiMapping(request.address, knobs), self._desk.table)
        was = (
            one for one in table.learned if (one.address, one.pattern) == (request.address, knobs)
        )
        one = replace(next(was, usual), relative=found.relative, bits=found.bits)
        if request.takeover is not None:
            one = replace(one, takeover=request.takeover)
        self._keep(request.event, table.with_learned(one), LEARN, request.address, str(knobs))
        self._mappings.set_position(one, last)

    def _forget(self, event: ForgetMidi) -> None:
        table = self._mappings.table
        if not table.of_address(event.address):
            raise MidiMappingError(
                f"nothing is mapped to {event.address!r:.60}; {MAPS} lists what is"
            )
        self._keep(event, table.without(event.address), FORGET, event.address)

    def _change(self, event: ChangeMidiMap) -> None:
        table, control = self._mappings.table, mappable(self._desk, event.address)
        maps = [
            one for one in table.of_address(event.address) if event.knob in (None, str(one.pattern))
        ]
        if not maps:
            of = "" if event.knob is None else f" by '{event.knob:.60}'"
            raise MidiMappingError(f"nothing is mapped to {event.address}{of}; {LEARN} does that")
        if event.option is None:
            self._list(event, maps)
            event.answer(replies.done(MAP, event.address))
            return
        if event.value is None:
            raise MidiMappingError(f"{event.option!r:.40} without a value")
        for one in maps:
            table = table.with_changed(one, with_option(one, control, event.option, event.value))
        self._keep(event, table, MAP, event.address, event.option, event.value)

    def _list(self, event: Event, maps: Iterable[MidiMapping]) -> None:
        for one in maps:
            options = options_of(one, self._desk.table.controls.get(one.address))
            event.answer(Reply(MAP, (one.address, str(one.pattern), *options)))

    def _keep(
        self, event: MidiMapEvent, table: MappingTable, command: str, *what: Argument
    ) -> None:
        """``table`` is in force now; answered when it lies on the disk."""

        def then(failure: str | None) -> None:
            done = replies.done(command, *what)
            event.answer(done if failure is None else replies.fail(command, failure))

        self._mappings.table = table
        self._write(table, then)
        self._tell(Reply(command, what), event.reply_to)


def midi_commands(
    desk: Desk,
    store: MappingFile,
    on_events: EventSink,
    tell: Tell,
    later: Later,
    send: Send | None = None,
) -> MidiCommands:
    """Hands with the mappings that ``store`` has; what knobs do goes to ``on_events``.

    ``send`` reaches controllers; without it they are told nothing.
    """
    mappings = ActiveMappings(desk, on_events, store.read())
    feedback = Feedback(desk, mappings, send, later) if send else None
    return MidiCommands(desk, mappings, store.write, tell, later, feedback)
