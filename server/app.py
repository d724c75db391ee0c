"""Playing live. The only place that knows everyone: it builds, wires, starts and stops.

OSC, MIDI --> dispatch --> desk --> producer(engine) --> ring --> output
                 '--> deck loader --> encoder worker --'
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial

from export.bundle import Bundle
from server import priority
from server.announcement import announcement
from server.bench import choose_block_frames
from server.cli import Settings
from server.clock.clocks import Clocks
from server.clock.lock import PhaseLock
from server.controls.addresses import POSITION
from server.controls.desk import Desk
from server.controls.events import Event, ModelLies, Stop
from server.controls.notify import Notifier
from server.controls.sample_clock import SampleClock
from server.controls.timeline import Timeline
from server.decks.encoder_slot import EncoderSlot
from server.decks.hands import DeckHands
from server.decks.loader import DeckLoader, initial_decks
from server.dispatch import Dispatcher
from server.engine.cue import CUE, NO_CUE, open_cue
from server.engine.deck import DeckData
from server.engine.output_stage import GATE_RAMP_S
from server.engine.runtime import RuntimeOptions
from server.figures import Figures
from server.first_decks import FirstDecks
from server.input.live import LiveInput
from server.interpreter import undisturbed
from server.midi.hands import midi_hands
from server.midi.input import MidiInput
from server.midi.keys import Keys
from server.midi.store import MapStore
from server.models.hands import carry_to, gestures_of, last_model, missing_in, wekinator_of
from server.models.loader import ModelLoader
from server.models.opening import ready_model, try_out
from server.models.switch import FADE_S, Model, ModelSwitch, SwitchedCue
from server.osc import listeners
from server.osc.dump import OscDump
from server.osc.scheduler import Scheduler
from server.osc.server import OscServer
from server.osc.wekinator import Wekinator
from server.output.hands import OutputHands
from server.output.opening import live_output
from server.output.producer import Producer
from server.presets.hands import PresetHands
from server.process import signals_call
from server.recording.hands import RecordHands
from server.saved.errands import Errands
from server.score.desk import ScoreDesk
from server.score.lines import head_line
from server.score.player import ScorePlayer, moments_of
from server.score.recorder import ScoreRecorder
from server.score.stage import Stage
from server.score.walk import Coming
from server.supervision.keeping import Keeper, take_up
from server.supervision.settings import CRASHED
from server.supervision.state_folder import Facts, StateFolder
from server.supervision.watch import Watch

logger = logging.getLogger(__name__)


class App:
    """One live session.

    Raises:
        OutputError, RuntimeUnavailable: what was asked for cannot be had here.
    """

    def __init__(
        self,
        settings: Settings,
        bundle: Bundle,
        desk: Desk,
        stage: Stage | None = None,
        folder: StateFolder | None = None,
    ) -> None:
        manifest, options = bundle.manifest, RuntimeOptions(settings.device)
        self._settings = settings
        self._desk = desk
        self._stage = stage
        self._exit_code = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ending = asyncio.Event()
        self._sources = (
            {deck: data.name for deck, data in stage.decks.items()}
            if stage
            else initial_decks(bundle.decks, settings.decks)
        )
        before = folder and folder.read()
        recorded = stage.block_frames if stage else None
        recorded = recorded or (before.facts.block_frames if before else None)
        frames = settings.block_frames or recorded or choose_block_frames(bundle, options)
        self._recorder = ScoreRecorder(
            head_line(bundle, frames),
            manifest.frame_s,
            settings.media,
            lambda: self._model.engine.position,
        )
        self._notifier = Notifier(desk, self._later)
        self._record = RecordHands(settings.media, self._notifier.tell, self._soon)
        self._has_cue = settings.card.cue is not None
        ready = self._ready = partial(
            ready_model,
            options=options,
            frames=frames,
            on_deck=self._recorder.laid,
            cue_for=partial(open_cue, options=options, frames=frames, desk=desk)
            if self._has_cue
            else None,
        )
        first = ready(bundle, table=desk.table)
        if folder is not None:
            folder.wait()  # loaded, and ready to play when the one before has died
            before = folder.read()
            first = last_model(before.model if before else "", first, ready, desk, settings.media)
        clock = SampleClock(manifest.frame_s, time.time())
        self._timeline = Timeline(desk, clock, self._carried_out)
        self._timeline.tell(self._recorder.hear)
        self._switch = ModelSwitch(self._timeline, first)
        self._adopted = first
        self._producer = Producer(
            self._switch,
            frames,
            hear=self._record.recorder.hear,
            on_block=self._observe,
            on_death=self._crash,
            cue=SwitchedCue(self._switch) if self._has_cue else None,
        )
        self._live = live_output(
            settings.output,
            settings.card,
            manifest,
            self._producer,
            lambda: self._output_hands.report(),
            before.facts.output if before else None,
        )
        self._keeper = self._watch = None
        if folder is not None:
            self._keeper = Keeper(folder, desk, self._switch, self._timeline, self._facts)
            self._watch = Watch(self._keeper, self._producer, self._later)
        self._osc_at = settings.osc
        self._before = before.facts if before else None
        self._ends_s = self._before.ends_s if self._before else None
        if folder and before:
            take_up(before, folder.read_decks(), desk, first.engine, self._timeline)
            self._osc_at = before.facts.osc
        self._encoder = EncoderSlot(
            first.bundle, self._soon, lambda report: self._loader.take(report)
        )
        self._loader = DeckLoader(
            first.bundle.decks, settings.media, self._encoder, self._switch.put_deck
        )
        self._models = ModelLoader(
            settings.media,
            lambda bundle, name: ready(bundle, name=name),
            lambda: self._model,
            self._install,
            self._soon,
            self._later,
            frames,
        )
        self._input = LiveInput(settings.input)
        self._output_hands = OutputHands(self._live, self._notifier.tell, self._soon)
        self._scheduler = Scheduler(self._timeline)
        self._dump = OscDump()
        lock = PhaseLock(lambda: self._switch.playhead, clock)
        self._timeline.follow(lock)
        self._clocks = Clocks(
            desk,
            lambda events: self._dispatcher.carry_out(events),
            self._later,
            lock,
            heard_bpm=lambda: self._model.engine.tempo_bpm,
        )
        self._errands = Errands(self._soon)
        self._midi_hands = midi_hands(
            desk,
            MapStore(settings.config, self._errands),
            lambda events: self._dispatcher(events),
            self._notifier.tell,
            self._later,
            (lambda port, message: self._midi.send(port, message))
            if settings.midi_feedback
            else None,
        )
        self._presets = PresetHands(
            settings.config,
            self._errands,
            desk,
            lambda: self._model.bundle.manifest.name,
            lambda event: self._dispatcher.why_not(event),
            lambda events: self._dispatcher.carry_out(events),
            self._notifier.tell,
        )
        self._dispatcher = self._make_dispatcher()
        self._osc = OscServer(
            desk.table,
            self._dispatcher,
            allowed=settings.osc_allow,
            watchers=[lambda sender, _: self._notifier.heard(sender), self._dump.watch],
        )
        keys = Keys(desk, self._dispatcher, self._midi_hands.take, self._midi_hands.is_mapped)
        self._midi = MidiInput(
            settings.midi, keys.take, on_clock=self._clocks.hear, on_ports=self._midi_hands.ports
        )
        self._figures = Figures(
            desk,
            self._switch,
            self._producer,
            self._live,
            self._osc,
            self._midi,
            self._notifier,
            self._scheduler,
            self._clocks,
            self._record,
        )

    @property
    def _model(self) -> Model:
        """What plays, or will in a moment."""
        return self._switch.newest

    def _make_dispatcher(self) -> Dispatcher:
        return Dispatcher(
            self._desk,
            DeckHands(self._loader, self._notifier, self._input.capture),
            lambda: self._figures.status(),
            self._ending.set,
            self._missing(),
            scheduler=self._scheduler,
            notifier=self._notifier,
            wekinator=Wekinator(self._desk.table, self._settings.wekinator),
            gestures=gestures_of(self._model),
            clocks=self._clocks,
            presets=self._presets,
            set_dump=self._dump.switch,
            score_desk=ScoreDesk(self._recorder, self._soon),
            record=self._record.carry_out,
            live={POSITION: lambda: self._model.engine.position},
            why_no_recording=lambda deck: self._model.engine.why_no_recording(deck),
            load_model=self._models.load,
            adopt_model=self._adopt,
            change_output=self._output_hands.carry_out,
            change_maps=self._midi_hands.carry_out,
        )

    def _missing(self) -> Mapping[str, str]:
        """Addresses that there is nothing for here, and in one line why."""
        return {**missing_in(self._model.bundle), **({} if self._has_cue else {CUE: NO_CUE})}

    def _install(self, model: Model, decks: Mapping[str, DeckData]) -> bool:
        """Play ``model`` from the next block on; False while another one is still coming in."""
        if self._switch.is_fading:
            return False
        for name, deck in decks.items():
            model.engine.put_deck(name, deck)
        self._switch.offer(model)
        self._dispatcher((ModelLies(model.name, carry_to(model)),))
        return True

    def _adopt(self) -> None:
        """What speaks of controls, decks and encoder speaks of the model that plays now."""
        before, model = self._adopted, self._model
        self._adopted = model
        self._osc.table = model.table
        self._encoder.change(model.bundle)
        self._loader.adopt(model.bundle.decks)
        wekinator = wekinator_of(model.table, self._settings.wekinator)
        self._dispatcher.adopt(gestures_of(model), wekinator, self._missing())
        # Kept until nobody hears it: the engine's thread must not be the one that frees it.
        self._later(10 * FADE_S, lambda: logger.debug("%s is gone", before.bundle.manifest.name))

    def run(self) -> int:
        """Play until told to end; the exit code.

        Raises:
            OscAddressError, MidiPortError, OutputError: a port or device cannot be opened.
        """
        return asyncio.run(self._run())

    async def _run(self) -> int:
        self._loop = asyncio.get_running_loop()
        with ExitStack() as stack:
            stack.callback(self._errands.stop)
            self._presets.begin()
            stack.callback(self._encoder.stop)
            stack.callback(self._models.stop)
            stack.enter_context(signals_call(self._ending.set, self._loop))
            stack.enter_context(priority.raised(priority.HANDS_PRIORITY))
            await self._start(stack)
            await self._play()
            await self._fade_out()
        return self._exit_code

    async def _play(self) -> None:
        """Until the end is wanted."""
        if self._settings.seconds and not self._before:
            self._ends_s = time.monotonic() + self._settings.seconds
        left_s = None if self._ends_s is None else self._ends_s - time.monotonic()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ending.wait(), left_s)
        if self._watch is not None and self._exit_code != CRASHED:
            self._watch.end()

    async def _start(self, stack: ExitStack) -> None:
        """Start everything; ``stack`` stops it in the reverse order."""
        stack.callback(self._osc.stop)
        osc = await self._osc.start(*self._osc_at) if self._osc_at else ()
        self._osc_at = osc[0] if osc else None
        if self._before:
            listeners.take_up(self._before.listeners, self._notifier, self._osc)
        stack.callback(self._clocks.stop)
        self._clocks.choose()
        stack.callback(self._midi.stop)
        await self._midi.start()
        self._midi_hands.start()
        stack.callback(self._input.stop)
        self._input.open()
        self._lay_decks()
        stack.callback(self._recorder.close)
        if path := self._settings.score_out:
            (self._recorder.go_on if self._before else self._recorder.begin)(path)
        stack.callback(self._record.recorder.close)
        if self._before:
            self._record.go_on(self._before.recording)
        elif self._settings.record:
            self._record.recorder.begin(self._settings.record)
        stack.enter_context(undisturbed())
        stack.callback(self._producer.stop)
        self._producer.start(self._live.lane)
        stack.callback(self._live.stop)
        self._live.start()
        if self._watch is not None:
            self._watch.look()
        lines = announcement(
            self._model.bundle.manifest.name,
            self._model.session.provider,
            self._live.lane.output,
            self._producer,
            self._figures.latency(),
            self._sources,
            osc,
            self._input.description,
        )
        print("\n".join(lines), flush=True)

    def _lay_decks(self) -> None:
        """What lies on the decks at the start, at once or when it is encoded; then the score."""
        first = FirstDecks(self._desk, self._switch, self._loader, self._refuse)
        if self._before:
            self._sources = {name: deck.name for name, deck in self._model.engine.decks.items()}
        elif self._stage is None:
            first.load(self._sources)
        else:
            first.put(self._stage.decks)
        self._play_score()

    def _play_score(self) -> None:
        """Play the score, if there is one, from where the instrument before has come to."""
        if self._stage is not None and self._stage.score is not None:
            frame_s = self._timeline.clock.frame_s
            played = self._timeline.frames_before
            moments, laid = moments_of(self._stage.score, frame_s, played), self._stage.laid
            comes = {id(one): self._come(one) for one in laid.models.values()}
            player = ScorePlayer(
                moments,
                laid,
                self._switch,
                lambda coming: comes.pop(id(coming)),
                self._settings.wekinator,
            )
            self._timeline.play(player)

    def _come(self, coming: Coming) -> Model:
        """A model of the score, ready before it begins."""
        model = self._ready(coming.bundle, name=coming.name)
        return try_out(model, coming.decks, self._producer.block_frames)

    async def _fade_out(self) -> None:
        """Stop without a click: the fade has to get through the ring and the device."""
        self._desk.apply([Stop()])
        lane = self._live.lane
        window_s = self._switch.manifest.latency_s
        await asyncio.sleep(2 * GATE_RAMP_S + window_s + lane.wanted_s + lane.delay_s)

    def _refuse(self, why: str) -> None:
        """What is wrong with the command line ends the program."""
        print(f"python -m server: {why}", file=sys.stderr)
        self._exit_code = 2
        self._ending.set()

    def _facts(self) -> Facts:
        return Facts(
            block_frames=self._producer.block_frames,
            osc=self._osc_at,
            output=str(self._live.choice),
            recording=self._record.recorder.asked,
            listeners=listeners.listeners(self._notifier),
            ends_s=self._ends_s,
        )

    def _crash(self) -> None:
        """The engine's thread has died: end, to be started again."""
        self._exit_code = CRASHED
        self._soon(self._ending.set)

    def _observe(self, behind_s: float) -> None:
        """The next block leaves the device ``behind_s`` from now (engine's thread)."""
        window_s = self._model.bundle.manifest.latency_s
        heard_s = time.time() + behind_s + window_s + self._model.engine.lead_s
        self._timeline.clock.observe(self._timeline.next_frame, heard_s)
        if self._keeper is not None:
            self._keeper.look()

    def _soon(self, call: Callable[[], None]) -> None:
        """From any thread to the event loop's."""
        assert self._loop is not None  # threads are started while it runs
        with contextlib.suppress(RuntimeError):  # the loop has ended before the thread
            self._loop.call_soon_threadsafe(call)

    def _later(self, seconds: float, call: Callable[[], None]) -> None:
        assert self._loop is not None  # events come while it runs
        self._loop.call_later(seconds, call)

    def _carried_out(self, events: tuple[Event, ...], due_s: float, late_s: float) -> None:
        """From the engine's thread to the event loop's."""
        self._soon(lambda: self._dispatcher.at_their_time(events, due_s, late_s))
