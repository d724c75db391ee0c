"""The hands of a live session: what comes by OSC and MIDI, and what carries it out.

OSC, MIDI -> dispatch -> desk
                '-> decks, models, presets, clocks, maps, recordings
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from server.clock.clocks import Clocks
from server.command_line.settings import Settings
from server.controls.addresses import POSITION
from server.controls.desk import Desk
from server.controls.events import Event, ModelSwitched
from server.controls.notify import Notifier
from server.decks.commands import DeckCommands
from server.decks.encoder_slot import EncoderSlot
from server.decks.loader import DeckLoader
from server.engine.cue import CUE, NO_CUE
from server.engine.deck import DeckData
from server.input.live_input import LiveInput
from server.live.dispatcher import Dispatcher
from server.live.playback import Playback
from server.live.status import Status
from server.midi.commands import midi_commands
from server.midi.input import MidiInput
from server.midi.keys import Keys
from server.midi.mappings.mapping_file import MappingFile
from server.models.loader import ModelLoader
from server.models.model_controls import carry_to, gestures_of, missing_in, wekinator_of
from server.models.switch import FADE_S, Model
from server.osc import listeners
from server.osc.dump import OscDump
from server.osc.scheduler import Scheduler
from server.osc.server import OscServer
from server.osc.wekinator import Wekinator
from server.presets.commands import PresetCommands
from server.score.commands import ScoreCommands
from server.system.event_loop import EventLoop
from server.system.file_worker import FileWorker

logger = logging.getLogger(__name__)


class ControlInputs:
    """Moves ``desk`` and what else of ``sound`` can be moved; ``end`` ends the program."""

    def __init__(
        self,
        settings: Settings,
        sound: Playback,
        desk: Desk,
        notifier: Notifier,
        loop: EventLoop,
        end: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._sound = sound
        self._desk = desk
        self._notifier = notifier
        self._loop = loop
        self._end = end
        self._adopted = first = sound.first
        self.encoder = EncoderSlot(first.bundle, loop.soon, lambda report: self.loader.take(report))
        self.loader = DeckLoader(
            first.bundle.decks, settings.media, self.encoder, sound.switch.put_deck
        )
        self.models = ModelLoader(
            settings.media,
            lambda bundle, name: sound.ready(bundle, name=name),
            lambda: sound.model,
            self._install,
            loop.soon,
            loop.later,
            sound.producer.block_frames,
        )
        self.input = LiveInput(settings.input)
        self._scheduler = Scheduler(sound.timeline)
        self._dump = OscDump()
        self.clocks = Clocks(
            desk,
            lambda events: self.dispatcher.carry_out(events),
            loop.later,
            sound.lock,
            heard_bpm=lambda: sound.model.engine.tempo_bpm,
        )
        self.errands = FileWorker(loop.soon)
        self._midi_hands = midi_commands(
            desk,
            MappingFile(settings.config, self.errands),
            lambda events: self.dispatcher(events),
            notifier.tell,
            loop.later,
            (lambda port, message: self.midi.send(port, message))
            if settings.midi_feedback
            else None,
        )
        self.presets = PresetCommands(
            settings.config,
            self.errands,
            desk,
            lambda: sound.model.bundle.manifest.name,
            lambda event: self.dispatcher.rejection_reason(event),
            lambda events: self.dispatcher.carry_out(events),
            notifier.tell,
        )
        self.dispatcher = self._make_dispatcher()
        self.osc = OscServer(
            desk.table,
            self.dispatcher,
            allowed=settings.osc_allow,
            watchers=[lambda sender, _: notifier.heard(sender), self._dump.watch],
        )
        keys = Keys(desk, self.dispatcher, self._midi_hands.take, self._midi_hands.is_mapped)
        self.midi = MidiInput(
            settings.midi, keys.take, on_clock=self.clocks.hear, on_ports=self._midi_hands.ports
        )
        self.figures = Status(
            desk,
            sound.switch,
            sound.producer,
            sound.live,
            self.osc,
            self.midi,
            notifier,
            self._scheduler,
            self.clocks,
            sound.record,
        )

    async def start(self, osc_at: tuple[str, int] | None) -> tuple[tuple[str, int], ...]:
        """Open the ports, OSC at ``osc_at``; where it listens then.

        Raises:
            OscAddressError, MidiPortError, InputError: a port or the live input cannot be opened.
        """
        listening = await self.osc.start(*osc_at) if osc_at else ()
        if before := self._sound.before:
            listeners.take_up(before.listeners, self._notifier, self.osc)
        self.clocks.choose()
        await self.midi.start()
        self._midi_hands.start()
        self.input.open()
        return tuple(listening)

    def stop(self) -> None:
        """Close the ports; may be called before ``start`` has come to its end."""
        self.input.stop()
        self.midi.stop()
        self.clocks.stop()
        self.osc.stop()

    def carried_out(self, events: tuple[Event, ...], due_s: float, late_s: float) -> None:
        """What the timeline did at its time; the engine's thread."""
        self._loop.soon(lambda: self.dispatcher.at_their_time(events, due_s, late_s))

    def _make_dispatcher(self) -> Dispatcher:
        sound = self._sound
        return Dispatcher(
            self._desk,
            DeckCommands(self.loader, self._notifier, self.input.capture),
            lambda: self.figures.status(),
            self._end,
            self._missing(),
            scheduler=self._scheduler,
            notifier=self._notifier,
            wekinator=Wekinator(self._desk.table, self._settings.wekinator),
            gestures=gestures_of(sound.model),
            clocks=self.clocks,
            presets=self.presets,
            set_dump=self._dump.switch,
            score_desk=ScoreCommands(sound.score, self._loop.soon),
            record=sound.record.carry_out,
            live={POSITION: lambda: sound.model.engine.position},
            bypass_unavailable_reason=lambda deck: sound.model.engine.bypass_unavailable_reason(
                deck
            ),
            load_model=self.models.load,
            adopt_model=self._adopt,
            change_output=sound.output_hands.carry_out,
            change_maps=self._midi_hands.carry_out,
        )

    def _missing(self) -> Mapping[str, str]:
        """Addresses that there is nothing for here, and in one line why."""
        no_cue = {} if self._sound.has_cue else {CUE: NO_CUE}
        return {**missing_in(self._sound.model.bundle), **no_cue}

    def _install(self, model: Model, decks: Mapping[str, DeckData]) -> bool:
        """Play ``model`` from the next block on; False while another one is still coming in."""
        if self._sound.switch.is_fading:
            return False
        for name, deck in decks.items():
            model.engine.put_deck(name, deck)
        self._sound.switch.offer(model)
        self.dispatcher((ModelSwitched(model.name, carry_to(model)),))
        return True

    def _adopt(self) -> None:
        """What speaks of controls, decks and encoder speaks of the model that plays now."""
        before, model = self._adopted, self._sound.model
        self._adopted = model
        self.osc.table = model.table
        self.encoder.change(model.bundle)
        self.loader.adopt(model.bundle.decks)
        wekinator = wekinator_of(model.table, self._settings.wekinator)
        self.dispatcher.adopt(gestures_of(model), wekinator, self._missing())
        # Kept until nobody hears it: the engine's thread must not be the one that frees it.
        self._loop.later(
            10 * FADE_S, lambda: logger.debug("%s is gone", before.bundle.manifest.name)
        )
