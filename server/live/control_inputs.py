"""Control inputs of a live session: OSC, MIDI, and the features that handle their events.

    OSC, MIDI -> dispatcher -> desk
                     '-> features: decks, models, presets, clocks, mappings, recordings ...

To add a feature, add it to ``_features``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from server.clock.clocks import Clocks
from server.command_line.settings import Settings
from server.controls.desk import Desk
from server.controls.events import Event
from server.controls.feature import Feature
from server.controls.gestures import Gestures
from server.controls.notify import Notifier
from server.controls.value_queries import ValueQueries
from server.decks.commands import DeckCommands
from server.decks.encoder_worker import start_encoder
from server.input.live_input import LiveInput
from server.live.dispatcher import Dispatcher
from server.live.playback import Playback
from server.live.service import Service
from server.live.status import Status
from server.midi.commands import MidiCommands
from server.midi.input import MidiInput
from server.midi.keys import Keys
from server.midi.mappings.mapping_file import MappingFile
from server.models.commands import ModelCommands
from server.models.loader import ModelLoader
from server.osc import listeners
from server.osc.dump import OscDump
from server.osc.scheduler import Scheduler
from server.osc.server import OscServer
from server.osc.wekinator import Wekinator
from server.presets.commands import PresetCommands
from server.score.commands import ScoreCommands
from server.system.event_loop import EventLoop
from server.system.file_worker import FileWorker


class ControlInputs:
    """Receives OSC and MIDI, and controls ``desk`` and ``playback``; ``end`` ends the program."""

    def __init__(
        self,
        settings: Settings,
        playback: Playback,
        desk: Desk,
        notifier: Notifier,
        loop: EventLoop,
        end: Callable[[], None],
        arrays: Path | None = None,
    ) -> None:
        """Large arrays of decks are files in the folder ``arrays``."""
        self._settings = settings
        self._playback = playback
        self._notifier = notifier
        self._loop = loop
        switch, notify = playback.switch, notifier.notify
        self.input = LiveInput(settings.input)
        self.files = FileWorker(loop.soon)
        self.models = ModelLoader(
            settings.media,
            playback.make_model,
            switch,
            loop.soon,
            loop.later,
            playback.producer.block_frames,
            arrays,
        )
        self.decks = DeckCommands(
            switch,
            settings.media,
            partial(start_encoder, soon=loop.soon, folder=arrays),
            self.input.capture,
            notify,
        )
        self.presets = PresetCommands(settings.config, self.files, desk, switch, notify)
        self.clocks = Clocks(desk, switch, loop.later, playback.lock)
        self._mappings = MidiCommands(
            desk, MappingFile(settings.config, self.files), notify, loop.later
        )
        self._keys = Keys(desk, self._mappings)
        self.midi = MidiInput(
            settings.midi,
            self._keys.take,
            on_clock=self.clocks.receive,
            on_ports=self._mappings.on_ports,
        )
        self._dump = OscDump()
        self.osc = OscServer(
            desk,
            allowed=settings.osc_allow,
            watchers=[lambda sender, _: notifier.renew(sender), self._dump.watch],
        )
        scheduler = Scheduler(playback.timeline)
        self.status = Status(desk, playback, self.osc, self.midi, notifier, scheduler, self.clocks)
        self._dispatcher = Dispatcher(desk, scheduler, self._features(desk, scheduler, end))
        playback.timeline.report_to(self._on_executed)

    def _features(self, desk: Desk, scheduler: Scheduler, end: Callable[[], None]) -> list[Feature]:
        """Return all features, in the order in which they handle an event."""
        playback, switch, notify = self._playback, self._playback.switch, self._notifier.notify
        return [
            self.osc,
            self._keys,
            Wekinator(switch, self._settings.wekinator),
            Gestures(switch),
            ValueQueries(desk, switch, notify),
            Service(self.status.figures, end),
            self.decks,
            ScoreCommands(playback.score_recorder, self._loop.soon),
            playback.recordings,
            ModelCommands(switch, self.models, notify, self._loop.later),
            playback.outputs,
            self._mappings,
            self._dump,
            scheduler,
            self.presets,
            self.clocks,
            self._notifier,
        ]

    async def start(self, osc_at: tuple[str, int] | None) -> tuple[tuple[str, int], ...]:
        """Open the ports, OSC at ``osc_at``, and return the addresses where OSC listens.

        Raises:
            OscAddressError, MidiPortError, InputError: a port or the live input cannot be opened.
        """
        listening = await self.osc.start(*osc_at) if osc_at else ()
        if previous := self._playback.previous:
            listeners.take_up(previous.listeners, self._notifier, self.osc)
        self.clocks.choose()
        await self.midi.start()
        if self._settings.midi_feedback:
            self._mappings.start_feedback(self.midi.send)
        self.input.open()
        return tuple(listening)

    def stop(self) -> None:
        """Close the ports; may be called before ``start`` has finished."""
        self.input.stop()
        self.midi.stop()
        self.clocks.stop()
        self.osc.stop()

    def _on_executed(self, events: tuple[Event, ...], due_s: float, late_s: float) -> None:
        """Pass events that the timeline has applied to the event loop (engine's thread)."""
        self._loop.soon(partial(self._dispatcher.on_executed, events, due_s, late_s))
