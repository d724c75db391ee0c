"""MIDI in and out: one thread serves the ports, and moves come out in the event loop.

    ports -> bytes -> mido -> messages -> on_moves
      '<------- send                  '-> on_ports
    '---- thread ---'        '--- event loop ---'

RtMidi does not report unplugging, so the names of the ports are read twice a second: a port that
comes back is opened again. A machine without MIDI is a line in the log.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

from mido import Message

from server.midi.decode.messages import DecoderState, moves_of, newest, released
from server.midi.decode.moves import Move
from server.midi.ports.open_ports import MidiPorts, OpenBackend, PortChanges
from server.midi.ports.rtmidi_backend import RtMidiBackend

logger = logging.getLogger(__name__)

POLL_INTERVAL_S = 0.004
"""Well below the shortest glide, and 250 wake-ups a second cost next to nothing."""
SCAN_INTERVAL_S = 0.5

OnClock = Callable[[Message, float], object]
"""Takes each message of a MIDI clock, and when it came, in s."""
OnMoves = Callable[[tuple[Move, ...]], None]
OnPorts = Callable[[PortChanges, bool], None]
"""Takes the ports that came and went, and whether any are left."""

MAX_UNSENT = 10_000
"""Messages that wait to be sent: a port that accepts none must not fill the memory."""


class MidiInput:
    """Listens to ``all`` ports (and one of its own), ``none``, or those whose name has ``choice``.

    ``received`` counts all messages, ``rejected`` the bytes among them that are no message.
    """

    def __init__(
        self,
        choice: str,
        on_moves: OnMoves,
        open_backend: OpenBackend = RtMidiBackend,
        on_clock: OnClock = lambda message, at_s: None,
        on_ports: OnPorts = lambda changes, any_left: None,
    ) -> None:
        self.received = self.rejected = 0
        self._choice = choice
        self._on_moves = on_moves
        self._on_clock = on_clock
        self._on_ports = on_ports
        self._unsent: deque[tuple[str, Sequence[int]]] = deque(maxlen=MAX_UNSENT)
        self._states: dict[str, DecoderState] = {}
        self._stopping = threading.Event()
        self._opened: Future[None] = Future()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ports = MidiPorts(choice, open_backend)
        self._thread = threading.Thread(target=self._run, name="midi", daemon=True)

    async def start(self) -> None:
        """Open the ports.

        Raises:
            MidiPortError: a port was named and does not exist.
        """
        if self._choice == "none":
            return
        self._loop = asyncio.get_running_loop()
        self._thread.start()
        await asyncio.wrap_future(self._opened)

    def send(self, port: str, message: Sequence[int]) -> None:
        """Send the bytes of a message to the controller of the input ``port``, soon."""
        self._unsent.append((port, message))

    def stop(self) -> None:
        """Close the ports. May be called twice."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        try:
            self._ports.open()
        except Exception as error:
            self._opened.set_exception(error)
            return
        self._opened.set_result(None)
        try:
            self._serve()
        except Exception:
            logger.exception("MIDI has stopped")
        finally:
            self._ports.close()

    def _serve(self) -> None:
        next_scan_s = time.monotonic() + SCAN_INTERVAL_S
        while not self._stopping.wait(POLL_INTERVAL_S):
            if messages := self._ports.messages():
                self._soon(self._take, messages, time.time())
            while self._unsent:
                self._ports.send(*self._unsent.popleft())
            if time.monotonic() >= next_scan_s:
                if changes := self._ports.scan():
                    self._soon(self._ports_changed, changes, bool(self._ports.names))
                next_scan_s = time.monotonic() + SCAN_INTERVAL_S

    def _soon(self, call: Callable[..., None], *arguments: Any) -> None:
        assert self._loop is not None
        with contextlib.suppress(RuntimeError):  # the loop has ended before this thread
            self._loop.call_soon_threadsafe(call, *arguments)

    def _take(self, messages: list[tuple[str, Sequence[int]]], at_s: float) -> None:
        """Decode the messages since the last poll; clock messages and moves stay in order."""
        moves: list[Move] = []
        for port, data in messages:
            self.received += 1
            try:
                message = Message.from_bytes(list(data))
            except (ValueError, LookupError, TypeError) as error:
                self.rejected += 1
                logger.debug("not a MIDI message: %s", error)
                continue
            if message.is_realtime or message.type == "songpos":
                self._pass_on(moves)
                self._on_clock(message, at_s)
            state = self._states.get(port, DecoderState())
            self._states[port], more = moves_of(state, port, message)
            moves += more
        self._pass_on(moves)

    def _ports_changed(self, changes: PortChanges, any_left: bool) -> None:
        """Report ``changes``, and release what was held on a controller that has gone."""
        self._on_ports(changes, any_left)
        for port in changes.gone:
            self._pass_on([*released(self._states.pop(port, DecoderState()), port)[1]])

    def _pass_on(self, moves: list[Move]) -> None:
        """Pass ``moves`` to ``on_moves``, and empty the list."""
        if moves:
            self._on_moves(newest(moves))
            moves.clear()
