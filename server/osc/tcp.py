"""OSC over TCP: connections, each with its framing; none of them can block the others.

The event loop reads a few KB of one connection per turn. A client that starts a packet and does not
end it, or does not read its replies, is disconnected; one that disappears is found by keepalive.
One that only listens may stay.
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
"""For a packet that has begun; a complete one takes milliseconds."""
TURN_BYTES = 8192
_KEEPALIVE = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3}
"""Seconds, seconds and probes until a silent connection is dead; where the system supports them."""

OnPacket = Callable[[bytes, TcpSender], None]
OnRefusal = Callable[[Exception, str, TcpSender | None], None]


@dataclass
class OscConnections:
    """The open connections.

    ``admits`` returns True if a host may connect; ``on_refusal`` is called with the error, the name
    of the client, and the sender to reply to, if there is one.
    """

    on_packet: OnPacket
    on_refusal: OnRefusal
    admits: Callable[[str], bool] = lambda host: True
    max_clients: int = MAX_CLIENTS
    packet_timeout_s: float = PACKET_TIMEOUT_S
    open: dict[OscConnection, None] = field(default_factory=dict)

    def protocol(self) -> OscConnection:
        """Make a new connection (called by the event loop)."""
        return OscConnection(self)

    def enter(self, connection: OscConnection) -> bool:
        """Add a connection; return False if there is no room.

        A client that has never sent a packet is disconnected to make room.
        """
        if len(self.open) >= self.max_clients:
            silent = next((connected for connected in self.open if not connected.has_sent), None)
            if silent is None:
                return False
            self.leave(silent)
            silent.abort()
        self.open[connection] = None
        return True

    def leave(self, connection: OscConnection) -> None:
        """Remove a connection that has ended; may be called twice."""
        self.open.pop(connection, None)

    def close(self) -> None:
        """Close all connections; pending replies are still sent."""
        for connection in tuple(self.open):
            connection.close()


class OscConnection(asyncio.BufferedProtocol):
    """One client, from the first byte to the last."""

    def __init__(self, connections: OscConnections) -> None:
        self.has_sent = False
        self._connections = connections
        self._buffer = bytearray(TURN_BYTES)
        self._framing: Framing | None = None
        self._sender: TcpSender | None = None
        self._name = "?"
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as asyncio has it
        """A client has connected (called by the event loop)."""
        self._transport = transport
        peer = transport.get_extra_info("peername") or ("?", 0)
        self._name = f"{host_and_port(*peer[:2])} (TCP)"
        if not self._connections.admits(peer[0]):
            self._refuse("is not allowed to send, see --osc-allow")
        elif not self._connections.enter(self):
            self._refuse(f"cannot connect: {self._connections.max_clients} already have")
        else:
            _keep_alive(transport.get_extra_info("socket"))

    def get_buffer(self, sizehint: int) -> bytearray:
        """Return the buffer for the next bytes (called by the event loop)."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Process received bytes (called by the event loop)."""
        try:
            self._read(bytes(memoryview(self._buffer)[:nbytes]))
        except FramingError as error:
            self._connections.on_refusal(error, self._name, self._sender)
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended (called by the event loop)."""
        self._set_deadline(False)
        self._connections.leave(self)

    def close(self) -> None:
        """Close after sending pending replies."""
        self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()

    def _read(self, data: bytes) -> None:
        if self._framing is None:
            self._framing = framing_of(data[0])
            self._sender = TcpSender(self._transport, self._framing, self._name)
        assert self._sender is not None
        for packet in self._framing.feed(data):
            self.has_sent = True
            self._set_deadline(False)
            self._connections.on_packet(packet, self._sender)
        self._set_deadline(self._framing.is_within)

    def _set_deadline(self, is_within: bool) -> None:
        """Start the timeout when a packet has begun, cancel it when it has ended."""
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

    def _refuse(self, why: str) -> None:
        self._connections.on_refusal(ConnectionRefusedError(why), self._name, None)
        self.abort()


def _keep_alive(connected: socket.socket) -> None:
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE.items():
        if hasattr(socket, name):
            connected.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
