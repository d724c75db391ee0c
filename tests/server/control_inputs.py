"""The control inputs wired as the app wires them, without ports, threads or devices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from pythonosc.osc_bundle_builder import OscBundleBuilder
from pythonosc.osc_message_builder import build_msg

from export.audio.model_input import Captured
from export.bundle.format import Bundle
from server.clock.clocks import Clocks
from server.clock.link import REMEDY, LinkUnavailable
from server.clock.phase_lock import PhaseLock
from server.clock.tempo_line import TempoLine
from server.controls.control import ControlTable
from server.controls.desk import Desk, Segment
from server.controls.events import Event
from server.controls.feature import Feature
from server.controls.gestures import Gestures
from server.controls.notify import Notifier
from server.controls.replies import STATUS_NAMES, Reply
from server.controls.sample_clock import SampleClock
from server.controls.table import control_table
from server.controls.timeline import Timeline
from server.controls.value_queries import ValueQueries
from server.decks.commands import DeckCommands
from server.decks.encoding import Source
from server.engine.deck import DeckData, Recording
from server.engine.engine import Engine
from server.input.live_input import NO_INPUT, InputError
from server.live.dispatcher import Dispatcher
from server.live.service import Service
from server.midi.commands import MidiCommands
from server.midi.decode.moves import Knob, Move
from server.midi.mappings.mapping_file import MappingFile
from server.models.commands import ModelCommands
from server.osc.dump import OscDump
from server.osc.mapping import parse_packet
from server.osc.scheduler import Scheduler
from server.osc.wekinator import Wekinator
from server.output.choice import OutputChoice
from server.output.commands import OutputCommands
from server.output.live_output import State
from server.presets.commands import PresetCommands
from server.recording.commands import RecordingCommands
from server.score.commands import ScoreCommands
from server.score.lines import head_line
from server.score.recorder import ScoreRecorder
from server.system.callbacks import Then
from server.system.file_worker import FileWorker
from server.system.json_document import DocumentError
from tests import mini_bundle
from tests.server.fakes import FakeSession, fake_deck

SILENCE = Recording(np.zeros((1000, 2), np.int16))
FRAME_S = mini_bundle.HOP / mini_bundle.RATE_HZ


@dataclass(eq=False)
class FakeSender:
    """A client that keeps its replies; ``gone`` means that it has left."""

    name: str = "fake"
    replies: list[Reply] = field(default_factory=list)
    gone: bool = False

    def reply(self, reply: Reply) -> None:
        self.replies.append(reply)

    def is_gone(self, silent_s: float, patience_s: float) -> bool:
        return self.gone or silent_s > patience_s


@dataclass(eq=False)
class FakeLink:
    """A Link session whose tempo the test sets; at ``at_s`` it is at ``beat``."""

    tempo_bpm: float
    now_s: Callable[[], float]
    peers: int = 1
    is_closed: bool = False
    is_playing: bool = False
    beat: float = 2.5
    at_s: float = 1_700_000_000.0

    @property
    def line(self) -> TempoLine:
        line = TempoLine(self.tempo_bpm, self.beat, self.at_s)
        return TempoLine(self.tempo_bpm, line.beat_at(self.now_s()), self.now_s())

    def set_playing(self, is_playing: bool) -> None:
        self.is_playing = is_playing

    def set_tempo(self, tempo_bpm: float) -> None:
        self.tempo_bpm = tempo_bpm

    def close(self) -> None:
        self.is_closed = True


class SpiedTimeline(Timeline):
    """A timeline that records the state the engine took in each frame."""

    def segments(self, frames: int) -> tuple[Segment, ...]:
        taken = super().segments(frames)
        self.states = [
            *getattr(self, "states", ()),
            *(segment.state for segment in taken for _ in range(segment.frames)),
        ]
        return taken


class FakeLive:
    """A live output that changes at once, or fails with ``failure``."""

    def __init__(self) -> None:
        self.choice = OutputChoice()
        self.state: State = "playing"
        self.failure: str | None = None

    def change(self, choice: OutputChoice, then: Then) -> None:
        if self.failure is None:
            self.choice = choice
        then(self.failure)


class DeckSpy:
    """The engine of a rig that only notes the decks it is given."""

    def __init__(self, rig: ControlRig) -> None:
        self._rig = rig

    def put_deck(self, name: str, deck: DeckData) -> None:
        self._rig.put.append((name, deck.name))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._rig.engine, name)


class AtOnce:
    """A worker that does each errand at once."""

    def do(
        self,
        errand: Callable[[], Any],
        then: Callable[[Any], None],
        failed: Callable[[str], None],
    ) -> None:
        try:
            result = errand()
        except DocumentError as error:
            failed(str(error))
        else:
            then(result)


class ControlRig:
    """Everything from the packet to the decoder; ``now_s`` is the system's clock."""

    def __init__(
        self,
        *,
        media: Path = Path("."),
        wekinator: tuple[str, ...] = (),
        table: ControlTable | None = None,
        playing: bool = True,
        has_link: bool = True,
        config: Path | None = None,
        plays: str = "mini",
        latency_s: float = 0.0,
        has_prior: bool = True,
        has_cue: bool = True,
        features: Sequence[Feature] = (),
    ) -> None:
        self.has_link = has_link
        bundle = self.bundle = mini_bundle.bundle(
            manifest=replace(mini_bundle.manifest(), name=plays),
            prior_onnx=b"never opened" if has_prior else None,
        )
        self.now_s = 1_700_000_000.0
        self.table = table or control_table(mini_bundle.STYLE_DIMS)
        self.desk = Desk(self.table, playing=playing)
        self.timeline = SpiedTimeline(
            self.desk, SampleClock(FRAME_S, self.now_s + latency_s), self._carried_out
        )
        self.lock = PhaseLock(lambda: self.engine.playhead, self.timeline.clock)
        self.timeline.follow(self.lock)
        self.session = FakeSession(bundle.manifest)
        self.recorder = ScoreRecorder(head_line(bundle, 4), FRAME_S, media)
        self.recorder.follow(self)
        self.timeline.observe(self.recorder.on_states)
        self.engine = Engine(
            bundle.manifest,
            bundle.latents,
            self.session,
            self.timeline,
            on_deck=self.recorder.on_deck_loaded,
        )
        self.submitted: list[Any] = []
        self.captured: Captured | InputError = InputError(NO_INPUT)
        self.put: list[tuple[str, str]] = []
        self.cancelled: list[int] = []
        self.due: list[Callable[[], None]] = []
        self.notifier = Notifier(
            self.desk, lambda _, call: self.due.append(call), lambda: self.now_s
        )
        self.scheduler = Scheduler(self.timeline, lambda: self.now_s)
        self.lines: list[str] = []
        self.dump = OscDump(self.lines.append, lambda: self.now_s)
        self.quits = 0
        self.live = FakeLive()
        outputs = OutputCommands(self.live, self.notifier.notify, lambda call: call(), has_cue)
        self.decks = DeckCommands(
            self, media, self._start_encoder, self._capture, self.notifier.notify
        )
        self.presets = PresetCommands(config, AtOnce(), self.desk, self, self.notifier.notify)
        self.presets.begin()
        self.record = RecordingCommands(media, self.notifier.notify, lambda call: call())
        self.models: list[str] = []
        status = {name: kind(1) for name, kind in STATUS_NAMES}
        self.links: list[FakeLink] = []
        self.clocks = Clocks(
            self.desk,
            self,
            lambda _, call: self.due.append(call),
            self.lock,
            open_link=self._open_link,
            link_unavailable_reason=lambda: None if self.has_link else REMEDY,
            now_s=lambda: self.now_s,
        )
        self.midi = MidiCommands(
            self.desk,
            MappingFile(None, FileWorker(lambda call: call())),
            self.notifier.notify,
            lambda _, call: self.due.append(call),
        )
        self.gestures = Gestures(self)
        self.dispatch = Dispatcher(
            self.desk,
            self.scheduler,
            [
                Wekinator(self, wekinator),
                self.gestures,
                ValueQueries(self.desk, self, self.notifier.notify),
                Service(lambda: status, self._quit),
                self.decks,
                ScoreCommands(self.recorder, lambda call: call()),
                self.record,
                ModelCommands(self, self, self.notifier.notify, lambda _, call: None),
                outputs,
                self.midi,
                self.dump,
                self.scheduler,
                self.presets,
                self.clocks,
                self.notifier,
                *features,
            ],
        )
        self.sender = FakeSender()

    def send(self, packet: bytes, sender: FakeSender | None = None) -> None:
        """Receive ``packet`` from ``sender``."""
        sender = sender or self.sender
        parsed = parse_packet(self.table, packet, sender)
        self.notifier.renew(sender)
        self.dump.watch(sender, parsed)
        assert not parsed.errors, parsed.errors
        for group in parsed.groups:
            self.dispatch(group.events, group.time_tag)

    def turn(self, *values: int, number: int = 9, port: str = "knobs") -> None:
        """Turn a knob to each of ``values``."""
        knob = Knob(port, 0, "cc", number)
        self.midi.take([Move(knob, value, 127) for value in values])

    def render(self, frames: int, block: int = 4) -> None:
        """Render ``frames`` frames, a block at a time."""
        for _ in range(frames // block):
            self.engine.render(block)

    def pass_time(self) -> None:
        """Run the calls that were put off."""
        waiting, self.due = self.due, []
        for call in waiting:
            call()

    def put_decks(self) -> None:
        """Load silence on decks A and B."""
        self.engine.put_deck("a", fake_deck("a", 0.0, recording=SILENCE))
        self.engine.put_deck("b", fake_deck("b", 1.0, recording=SILENCE))

    def _carried_out(self, events: tuple[Event, ...], due_s: float, late_s: float) -> None:
        self.dispatch.on_executed(events, due_s, late_s)

    def submit(self, source: Source) -> int:
        """Act as the encoder worker."""
        self.submitted.append(source)
        return len(self.submitted)

    def cancel(self, ticket: int) -> None:
        """Act as the encoder worker."""
        self.cancelled.append(ticket)

    def _capture(self, seconds: float) -> Captured:
        if isinstance(self.captured, InputError):
            raise self.captured
        return self.captured

    @property
    def newest(self) -> Any:
        """The model that is playing; its decks are noted in ``put``."""
        return SimpleNamespace(bundle=self.bundle, table=self.table, engine=DeckSpy(self))

    def load(self, name: str, install: object, then: Then) -> None:
        """Act as the model loader."""
        self.models.append(name)
        then(None)

    def _start_encoder(self, bundle: Bundle, report: object) -> ControlRig:
        return self

    def stop(self) -> None:
        """Act as the encoder worker."""

    def _open_link(self, tempo_bpm: float) -> FakeLink:
        if not self.has_link:
            raise LinkUnavailable(REMEDY)
        self.links.append(FakeLink(tempo_bpm, lambda: self.now_s))
        return self.links[-1]

    def _quit(self) -> None:
        self.quits += 1


def at(time_s: float, *contents: tuple[str, float | list[int]]) -> bytes:
    """An OSC bundle due at ``time_s``."""
    builder = OscBundleBuilder(time_s)
    for address, value in contents:
        builder.add_content(build_msg(address, value))
    return builder.build().dgram
