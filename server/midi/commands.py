"""``/midi/learn``, ``/midi/map``, ``/midi/maps``, ``/midi/forget``, and what mapped knobs do."""

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
    MidiMapEvent,
)
from server.controls.feature import Feature, Handler
from server.controls.notify import Tell
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
    """Used by the thread of the event loop."""

    def __init__(self, desk: Desk, store: MappingStore, tell: Tell, later: Later) -> None:
        """Begins with the mappings in ``store``; ``tell`` notifies clients."""
        self._desk = desk
        self._feedback: Feedback | None = None
        self._maps = ActiveMappings(desk, self._send, store.read())
        self._write = store.write
        self._tell = tell
        self._later = later
        self._learner = MidiLearn(desk, later, self._learned)

    def handlers(self) -> Mapping[type[Event], Handler]:
        """``/midi/...``; changes are answered with ``/done`` when they are on the disk."""
        return {
            LearnMidi: self._learner.begin,
            ForgetMidi: self._on_forget,
            ListMidiMaps: self._on_list,
            ChangeMidiMap: self._on_change,
        }

    @property
    def book(self) -> MappingTable:
        """The mappings that are in force."""
        return self._maps.book

    def take(self, moves: Iterable[Move]) -> None:
        """Knobs have moved."""
        for move in moves:
            if self._feedback and self._feedback.is_echo(move):
                continue
            if not self._learner.hear(move):
                self._maps.take([move])
                if self._feedback:
                    self._feedback.moved(move)

    def start_feedback(self, send: Send) -> None:
        """Keep LEDs and motor faders up to date from now on; ``send`` reaches controllers."""
        self._feedback = Feedback(self._desk, self._maps, send, self._later)
        self._feedback.start()

    def is_mapped(self, knob: Knob) -> bool:
        """Whether ``knob`` does what a mapping says."""
        return bool(self._maps.book.of_knob(knob))

    def ports(self, seen: PortChanges, are_any: bool) -> None:
        """Ports came and have gone; whether there are any now."""
        self._learner.gone(seen.gone, are_any)
        if self._feedback:
            self._feedback.forget(seen.came)

    def _send(self, events: tuple[Event, ...]) -> None:
        self.dispatcher(events)

    def _learned(self, lesson: LearnRequest, found: LearnedKnob, last: Move) -> None:
        knob, book = found.knob, self._maps.book
        knobs = KnobPattern(knob.port, knob.channel, knob.kind, knob.number)
        usual = ranged(MidiMap(lesson.address, knobs), self._desk.table)
        was = (one for one in book.learned if (one.address, one.knobs) == (lesson.address, knobs))
        one = replace(next(was, usual), relative=found.relative, bits=found.bits)
        if lesson.takeover is not None:
            one = replace(one, takeover=lesson.takeover)
        self._keep(lesson.event, book.taught(one), LEARN, lesson.address, str(knobs))
        self._maps.stands(one, last)

    def _on_forget(self, event: ForgetMidi) -> None:
        book = self._maps.book
        if book.of_address(event.address):
            self._keep(event, book.without(event.address), FORGET, event.address)
        else:
            why = f"nothing is mapped to {event.address!r:.60}; {MAPS} lists what is"
            event.answer(replies.fail(FORGET, why))

    def _on_list(self, event: ListMidiMaps) -> None:
        self._list(event, self._maps.book.maps)
        event.answer(replies.done(MAPS, len(self._maps.book.maps)))

    def _on_change(self, event: ChangeMidiMap) -> None:
        try:
            self._change(event)
        except MidiMapError as error:
            event.answer(replies.fail(MAP, str(error)))

    def _change(self, event: ChangeMidiMap) -> None:
        book, control = self._maps.book, mappable(self._desk, event.address)
        maps = [
            one for one in book.of_address(event.address) if event.knob in (None, str(one.knobs))
        ]
        if not maps:
            of = "" if event.knob is None else f" by '{event.knob:.60}'"
            raise MidiMapError(f"nothing is mapped to {event.address}{of}; {LEARN} does that")
        if event.option is None:
            self._list(event, maps)
            event.answer(replies.done(MAP, event.address))
            return
        if event.value is None:
            raise MidiMapError(f"{event.option!r:.40} without a value")
        for one in maps:
            book = book.changed(one, with_option(one, control, event.option, event.value))
        self._keep(event, book, MAP, event.address, event.option, event.value)

    def _list(self, event: Event, maps: Iterable[MidiMap]) -> None:
        for one in maps:
            options = options_of(one, self._desk.table.controls.get(one.address))
            event.answer(Reply(MAP, (one.address, str(one.knobs), *options)))

    def _keep(self, event: MidiMapEvent, book: MappingTable, command: str, *what: Argument) -> None:
        """``book`` is in force now; answered when it lies on the disk."""

        def then(failure: str | None) -> None:
            done = replies.done(command, *what)
            event.answer(done if failure is None else replies.fail(command, failure))

        self._maps.book = book
        self._write(book, then)
        self._tell(Reply(command, what), event.reply_to)
