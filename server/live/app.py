"""Playing live: builds a session's sound and hands, starts them, waits for the end, stops them.

OSC, MIDI --> server.live.control_inputs --> desk --> server.live.playback --> output
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from contextlib import ExitStack

from export.bundle.format import Bundle
from server.command_line.settings import Settings
from server.controls.desk import Desk
from server.controls.events import Stop
from server.controls.notify import Notifier
from server.decks.loader import initial_decks
from server.engine.output_stage import GATE_RAMP_S
from server.live.banner import banner_lines
from server.live.control_inputs import ControlInputs
from server.live.initial_decks import InitialDecks
from server.live.playback import Playback
from server.osc import listeners
from server.score.prepared_decks import PreparedDecks
from server.supervision.agreement import CRASHED
from server.supervision.state_folder import Facts, StateFolder
from server.supervision.watch import Watch
from server.system import priority
from server.system.event_loop import EventLoop
from server.system.interpreter import undisturbed
from server.system.processes import signals_call


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
        stage: PreparedDecks | None = None,
        folder: StateFolder | None = None,
    ) -> None:
        self._settings = settings
        self._desk = desk
        self._exit_code = 0
        self._loop = EventLoop()
        self._ending = asyncio.Event()
        self._sources = (
            {deck: data.name for deck, data in stage.decks.items()}
            if stage
            else initial_decks(bundle.decks, settings.decks)
        )
        self._notifier = Notifier(desk, self._loop.later)
        self._sound = Playback(
            settings,
            bundle,
            desk,
            stage,
            folder,
            self._notifier,
            self._loop.soon,
            lambda *what: self._hands.carried_out(*what),
            self._crash,
            self._facts,
        )
        self._hands = ControlInputs(
            settings, self._sound, desk, self._notifier, self._loop, self._ending.set
        )
        keeper, before = self._sound.keeper, self._sound.before
        self._watch = Watch(keeper, self._sound.producer, self._loop.later) if keeper else None
        self._osc_at = before.osc if before else settings.osc
        self._ends_s = before.ends_s if before else None

    def run(self) -> int:
        """Play until told to end; the exit code.

        Raises:
            OscAddressError, MidiPortError, OutputError: a port or device cannot be opened.
        """
        return asyncio.run(self._run())

    async def _run(self) -> int:
        loop, hands = self._loop.begin(), self._hands
        with ExitStack() as stack:
            stack.callback(hands.errands.stop)
            hands.presets.begin()
            stack.callback(hands.encoder.stop)
            stack.callback(hands.models.stop)
            stack.enter_context(signals_call(self._ending.set, loop))
            stack.enter_context(priority.raised(priority.CONTROL_PRIORITY))
            await self._start(stack)
            await self._play()
            await self._fade_out()
        return self._exit_code

    async def _play(self) -> None:
        """Until the end is wanted."""
        if self._settings.seconds and not self._sound.before:
            self._ends_s = time.monotonic() + self._settings.seconds
        left_s = None if self._ends_s is None else self._ends_s - time.monotonic()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ending.wait(), left_s)
        if self._watch is not None and self._exit_code != CRASHED:
            self._watch.end()

    async def _start(self, stack: ExitStack) -> None:
        """Start everything; ``stack`` stops it in the reverse order."""
        sound = self._sound
        stack.callback(self._hands.stop)
        osc = await self._hands.start(self._osc_at)
        self._osc_at = osc[0] if osc else None
        self._lay_decks()
        sound.play_score()
        stack.callback(sound.score.close)
        stack.callback(sound.record.recorder.close)
        sound.begin_recordings()
        stack.enter_context(undisturbed())
        stack.callback(sound.producer.stop)
        sound.producer.start(sound.live.path)
        stack.callback(sound.live.stop)
        sound.live.start()
        if self._watch is not None:
            self._watch.look()
        lines = banner_lines(
            sound.model.bundle.manifest.name,
            sound.model.session.provider,
            sound.live.path.output,
            sound.producer,
            self._hands.figures.latency(),
            self._sources,
            osc,
            self._hands.input.description,
        )
        print("\n".join(lines), flush=True)

    def _lay_decks(self) -> None:
        """What lies on the decks at the start, at once or when it is encoded."""
        sound = self._sound
        first = InitialDecks(self._desk, sound.switch, self._hands.loader, self._refuse)
        if sound.before:
            self._sources = {name: deck.name for name, deck in sound.model.engine.decks.items()}
        elif sound.stage is None:
            first.load(self._sources)
        else:
            first.put(sound.stage.decks)

    async def _fade_out(self) -> None:
        """Stop without a click: the fade has to get through the ring and the device."""
        self._desk.apply([Stop()])
        path, window_s = self._sound.live.path, self._sound.switch.manifest.latency_s
        await asyncio.sleep(2 * GATE_RAMP_S + window_s + path.target_s + path.delay_s)

    def _refuse(self, why: str) -> None:
        """What is wrong with the command line ends the program."""
        print(f"python -m server: {why}", file=sys.stderr)
        self._exit_code = 2
        self._ending.set()

    def _crash(self) -> None:
        """The engine's thread has died: end, to be started again."""
        self._exit_code = CRASHED
        self._loop.soon(self._ending.set)

    def _facts(self) -> Facts:
        return Facts(
            block_frames=self._sound.producer.block_frames,
            osc=self._osc_at,
            output=str(self._sound.live.choice),
            recording=self._sound.record.recorder.first_path,
            listeners=listeners.listeners(self._notifier),
            ends_s=self._ends_s,
        )
