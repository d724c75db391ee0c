"""A live session: builds playback and control inputs, starts them, waits, stops them.

OSC, MIDI --> server.live.control_inputs --> desk --> server.live.playback --> output
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from export.bundle.format import Bundle
from server.command_line.settings import Settings
from server.controls.desk import Desk
from server.controls.events import Stop
from server.controls.notify import Notifier
from server.decks.media import initial_decks
from server.engine.output_stage import GATE_RAMP_S
from server.live.banner import banner_lines
from server.live.control_inputs import ControlInputs
from server.live.initial_decks import InitialDecks
from server.live.playback import Playback
from server.osc import listeners
from server.score.prepared_decks import PreparedDecks
from server.supervision.protocol import CRASHED
from server.supervision.state_folder import Facts, StateFolder
from server.supervision.watch import Watch
from server.system import priority
from server.system.event_loop import EventLoop
from server.system.interpreter import undisturbed
from server.system.processes import signals_call

logger = logging.getLogger(__name__)

PATIENCE_S = 3.0
"""For the first sound of the initial decks; playing begins then without it."""


class App:
    """One live session; ``folder`` keeps its state, for the next instrument if this one dies.

    Raises:
        OutputError, RuntimeUnavailable: the requested output or device is not available.
    """

    def __init__(
        self,
        settings: Settings,
        bundle: Bundle,
        desk: Desk,
        prepared: PreparedDecks | None = None,
        folder: StateFolder | None = None,
        arrays: Path | None = None,
    ) -> None:
        """Large arrays of decks are files in the folder ``arrays``."""
        self._settings = settings
        self._desk = desk
        self._exit_code = 0
        self._loop = EventLoop()
        self._ending = asyncio.Event()
        self._sources: Mapping[str, str] = {}
        if prepared:
            self._sources = {deck: data.name for deck, data in prepared.decks.items()}
        elif folder is None or not folder.has_state:  # a file of then may be gone by now
            self._sources = initial_decks(bundle.decks, settings.decks)
        self._notifier = Notifier(desk, self._loop.later)
        self._playback = Playback(
            settings,
            bundle,
            desk,
            prepared,
            folder,
            self._notifier,
            self._loop.soon,
            self._crash,
            self._facts,
        )
        self._inputs = ControlInputs(
            settings, self._playback, desk, self._notifier, self._loop, self._ending.set, arrays
        )
        keeper, previous = self._playback.keeper, self._playback.previous
        self._watch = Watch(keeper, self._playback.producer, self._loop.later) if keeper else None
        self._osc_at = previous.osc if previous else settings.osc
        self._ends_s = previous.ends_s if previous else None

    def run(self) -> int:
        """Play to the end of the session, and return the exit code.

        Raises:
            OscAddressError, MidiPortError, OutputError: a port or device cannot be opened.
        """
        return asyncio.run(self._run())

    async def _run(self) -> int:
        loop, inputs = self._loop.begin(), self._inputs
        with ExitStack() as stack:
            stack.callback(inputs.files.stop)
            inputs.presets.begin()
            stack.callback(inputs.decks.stop)
            stack.callback(inputs.models.stop)
            stack.enter_context(signals_call(self._ending.set, loop))
            stack.enter_context(priority.raised(priority.CONTROL_PRIORITY))
            await self._start(stack)
            await self._play()
            await self._fade_out()
        return self._exit_code

    async def _play(self) -> None:
        """Wait for the end of the session."""
        if self._settings.seconds and not self._playback.previous:
            self._ends_s = time.monotonic() + self._settings.seconds
        left_s = None if self._ends_s is None else self._ends_s - time.monotonic()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ending.wait(), left_s)
        if self._watch is not None and self._exit_code != CRASHED:
            self._watch.end()

    async def _start(self, stack: ExitStack) -> None:
        """Start everything; ``stack`` stops it in the reverse order."""
        playback = self._playback
        stack.callback(self._inputs.stop)
        osc = await self._inputs.start(self._osc_at)
        self._osc_at = osc[0] if osc else None
        self._load_decks()
        await self._first_sound()
        playback.play_score()
        stack.callback(playback.score_recorder.close)
        stack.callback(playback.recordings.recorder.close)
        playback.begin_recordings()
        stack.enter_context(undisturbed())
        stack.callback(playback.producer.stop)
        playback.producer.start(playback.live.path)
        stack.callback(playback.live.stop)
        playback.live.start()
        if self._watch is not None:
            self._watch.look()
        lines = banner_lines(
            playback.model.bundle.manifest.name,
            playback.model.session.provider,
            playback.live.path.output,
            playback.producer,
            self._inputs.status.latency(),
            self._sources,
            osc,
            self._inputs.input.description,
        )
        print("\n".join(lines), flush=True)

    def _load_decks(self) -> None:
        """Load the initial decks: at once if they are encoded already, else when they are."""
        playback = self._playback
        initial = InitialDecks(self._desk, playback.switch, self._inputs.decks, self._refuse)
        if playback.previous:
            decks = playback.model.engine.decks
            self._sources = {name: deck.name for name, deck in decks.items()}
            self._inputs.decks.resume(_resumed)
        elif playback.prepared is None:
            initial.load(self._sources)
        else:
            initial.put_encoded(playback.prepared.decks)

    async def _first_sound(self) -> None:
        """Wait until the initial decks can be heard, so that they are from the first block on."""
        loop = asyncio.get_running_loop()
        give_up_s = loop.time() + PATIENCE_S
        while self._inputs.decks.awaits_sound and loop.time() < give_up_s:
            await asyncio.sleep(0.01)

    async def _fade_out(self) -> None:
        """Stop without a click: wait until the fade has passed the ring and the device."""
        self._desk.apply([Stop()])
        path, window_s = self._playback.live.path, self._playback.switch.manifest.latency_s
        await asyncio.sleep(2 * GATE_RAMP_S + window_s + path.target_s + path.delay_s)

    def _refuse(self, reason: str) -> None:
        """End the program because of a mistake on the command line."""
        print(f"python -m server: {reason}", file=sys.stderr)
        self._exit_code = 2
        self._ending.set()

    def _crash(self) -> None:
        """End the program because the engine's thread has died; the supervisor restarts it."""
        self._exit_code = CRASHED
        self._loop.soon(self._ending.set)

    def _facts(self) -> Facts:
        return Facts(
            block_frames=self._playback.producer.block_frames,
            osc=self._osc_at,
            output=str(self._playback.live.choice),
            recording=self._playback.recordings.recorder.first_path,
            listeners=listeners.listeners(self._notifier),
            ends_s=self._ends_s,
        )


def _resumed(deck: str, failure: str | None) -> None:
    """Report the end of a load that a restart interrupted."""
    if failure is not None:
        logger.warning("deck %s: %s", deck, failure)
