"""MIDI in and out: one thread opens, closes, empties and fills the ports; moves come out in the
event loop.

    ports -> bytes -> mido -> messages -> on_moves
      '<------- send                  '-> on_ports
    '---- thread ---'        '--- event loop ---'

RtMidi reports no unplugging, so the names of the ports are read twice a second: a port that
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
from server.midi.ports.open_ports import MidiPorts, OpenSource, PortChanges
from server.midi.ports.rtmidi_source import RtMidiSource

logger = logging.getLogger(__name__)

EMPTYING_INTERVAL_S = 0.004
"""Well below the shortest glide, and 250 wake-ups a second cost next to nothing."""
LOOKING_INTERVAL_S = 0.5

OnClock = Callable[[Message, float], object]
"""Is told each message of a clock, and when it came, in s."""
OnMoves = Callable[[tuple[Move, ...]], None]
OnPorts = Callable[[PortChanges, bool], None]
"""Is told which ports came and have gone, and whether there are any."""

MAX_UNSENT = 10_000
"""Messages that wait to be sent; a port that takes none must not fill the memory."""


class MidiInput:
    """Listens to ``all`` ports (and one of its own), ``none``, or those whose name has ``choice``.

    ``received`` counts the messages that came, of whatever kind, ``rejected`` those that are none.
    """

    def __init__(
        self,
        choice: str,
        on_moves: OnMoves,
        open_source: OpenSource = RtMidiSource,
        on_clock: OnClock = lambda message, at_s: None,
        on_ports: OnPorts = lambda seen, are_any: None,
    ) -> None:
        self.received = self.rejected = 0
        self._choice = choice
        self._on_moves = on_moves
        self._on_clock = on_clock
        self._on_ports = on_ports
        self._unsent: deque[tuple[str, Sequence[int]]] = deque(maxlen=MAX_UNSENT)
        self._memories: dict[str, DecoderState] = {}
        self._stopping = threading.Event()
        self._opened: Future[None] = Future()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ports = MidiPorts(choice, open_source)
        self._thread = threading.Thread(target=self._run, name="midi", daemon=True)

    async def start(self) -> None:
        """Open the ports that are there.

        Raises:
            MidiPortError: a port was named and is not there.
        """
        if self._choice == "none":
            return
        self._loop = asyncio.get_running_loop()
        self._thread.start()
        await asyncio.wrap_future(self._opened)

    def send(self, port: str, message: Sequence[int]) -> None:
        """Send the bytes of a message to the controller that is heard at ``port``, soon."""
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
            self._listen()
        except Exception:
            logger.exception("MIDI has stopped")
        finally:
            self._ports.close()

    def _listen(self) -> None:
        next_look_s = time.monotonic() + LOOKING_INTERVAL_S
        while not self._stopping.wait(EMPTYING_INTERVAL_S):
            if messages := self._ports.messages():
                self._soon(self._take, messages, time.time())
            while self._unsent:
                self._ports.send(*self._unsent.popleft())
            if time.monotonic() >= next_look_s:
                if seen := self._ports.look():
                    self._soon(self._changed, seen, bool(self._ports.names))
                next_look_s = time.monotonic() + LOOKING_INTERVAL_S

    def _soon(self, call: Callable[..., None], *arguments: Any) -> None:
        assert self._loop is not None
        with contextlib.suppress(RuntimeError):  # the loop has ended before us
            self._loop.call_soon_threadsafe(call, *arguments)

    def _take(self, messages: list[tuple[str, Sequence[int]]], at_s: float) -> None:
        """All that has come since the last time: clocks and moves stay in order."""
        moves: list[Move] = []
        for port, data in messages:
            self.received += 1
            try:
                message = Message.from_bytes(list(data))
            except (ValueError, LookupError, TypeError) as error:
                self.rejected += 1
                logger.debug("MIDI message that is none: %s", error)
                continue
            if message.is_realtime or message.type == "songpos":
                self._hand_over(moves)
                self._on_clock(message, at_s)
            memory = self._memories.get(port, DecoderState())
            self._memories[port], more = moves_of(memory, port, message)
            moves += more
        self._hand_over(moves)

    def _changed(self, seen: PortChanges, are_any: bool) -> None:
        """What was held at a controller that has gone is not held any more."""
        self._on_ports(seen, are_any)
        for port in seen.gone:
            self._hand_over([*released(self._memories.pop(port, DecoderState()), port)[1]])

    def _hand_over(self, moves: list[Move]) -> None:
        """Tell of ``moves``, and empty the list."""
        if moves:
            self._on_moves(newest(moves))
            moves.clear()
