"""OSC over TCP: connections, each with its framing; none of them can hold up the others.

A turn of the event loop takes a few KB of one connection. Who begins a packet and does not end
it, or does not read its answers, is cut off; who has gone without a word is found by keepalive.
Who is connected and only listens may stay.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass, field

from server.osc.senders import TcpSender, host_and_port
from server.osc.stream import Framing, FramingError, framing_of

MAX_CLIENTS = 32
PACKET_TIMEOUT_S = 10.0
"""For a packet that has begun; a whole one takes milliseconds."""
TURN_BYTES = 8192
_KEEPALIVE = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3}
"""Seconds, seconds and probes until a silent connection is dead; where the system has them."""

OnPacket = Callable[[bytes, TcpSender], None]
OnRefusal = Callable[[Exception, str, TcpSender | None], None]


@dataclass
class OscConnections:
    """Those who are connected.

    ``admits`` says whether a host may connect; ``on_refusal`` is told what was wrong, with whom
    (a name), and who may be answered.
    """

    on_packet: OnPacket
    on_refusal: OnRefusal
    admits: Callable[[str], bool] = lambda host: True
    max_clients: int = MAX_CLIENTS
    packet_timeout_s: float = PACKET_TIMEOUT_S
    open: dict[OscConnection, None] = field(default_factory=dict)

    def protocol(self) -> OscConnection:
        """A connection to be (called by the event loop)."""
        return OscConnection(self)

    def enter(self, connection: OscConnection) -> bool:
        """Whether there is room; whoever never sent a packet makes room for a newcomer."""
        if len(self.open) >= self.max_clients:
            silent = next((one for one in self.open if not one.has_spoken), None)
            if silent is None:
                return False
            self.leave(silent)
            silent.abort()
        self.open[connection] = None
        return True

    def leave(self, connection: OscConnection) -> None:
        """It has ended; may be called twice."""
        self.open.pop(connection, None)

    def close(self) -> None:
        """End them all; answers already given are still sent."""
        for connection in tuple(self.open):
            connection.close()


class OscConnection(asyncio.BufferedProtocol):
    """One client, from the first byte to the last."""

    def __init__(self, connections: OscConnections) -> None:
        self.has_spoken = False
        self._connections = connections
        self._buffer = bytearray(TURN_BYTES)
        self._framing: Framing | None = None
        self._sender: TcpSender | None = None
        self._name = "?"
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as asyncio has it
        """Someone has connected (called by the event loop)."""
        self._transport = transport
        peer = transport.get_extra_info("peername") or ("?", 0)
        self._name = f"{host_and_port(*peer[:2])} (TCP)"
        if not self._connections.admits(peer[0]):
            self._turn_away("is not allowed to send, see --osc-allow")
        elif not self._connections.enter(self):
            self._turn_away(f"has no place: {self._connections.max_clients} are connected")
        else:
            _keep_alive(transport.get_extra_info("socket"))

    def get_buffer(self, sizehint: int) -> bytearray:
        """Where the next bytes go (called by the event loop)."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Take in what has come (called by the event loop)."""
        try:
            self._read(bytes(memoryview(self._buffer)[:nbytes]))
        except FramingError as error:
            self._connections.on_refusal(error, self._name, self._sender)
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """The end (called by the event loop)."""
        self._watch(False)
        self._connections.leave(self)

    def close(self) -> None:
        """End in good order."""
        self._transport.close()

    def abort(self) -> None:
        """End at once."""
        self._transport.abort()

    def _read(self, data: bytes) -> None:
        if self._framing is None:
            self._framing = framing_of(data[0])
            self._sender = TcpSender(self._transport, self._framing, self._name)
        assert self._sender is not None
        for packet in self._framing.feed(data):
            self.has_spoken = True
            self._watch(False)
            self._connections.on_packet(packet, self._sender)
        self._watch(self._framing.is_within)

    def _watch(self, is_within: bool) -> None:
        """Start the clock when a packet has begun, stop it when it has ended."""
        if is_within and self._deadline is None:
            loop = asyncio.get_running_loop()
            self._deadline = loop.call_later(self._connections.packet_timeout_s, self._give_up)
        elif not is_within and self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        seconds = self._connections.packet_timeout_s
        error = FramingError(f"a packet not complete after {seconds:g} s")
        self._connections.on_refusal(error, self._name, self._sender)
        self.abort()

    def _turn_away(self, why: str) -> None:
        self._connections.on_refusal(ConnectionRefusedError(why), self._name, None)
        self.abort()


def _keep_alive(connected: socket.socket) -> None:
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE.items():
        if hasattr(socket, name):
            connected.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
