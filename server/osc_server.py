"""OSC over UDP: packets become events, in the order they came; answers go back to the sender.

    socket -> osc_packet -> mapping -> on_events
                  '------------'-----> refused: counted, logged once a second, /fail to the sender

The event loop hands over one datagram a turn, so a flood slows nothing else down, and no packet
ends the server. python-osc builds the answers; it is not used to read (FACTS: a packet of 20
bytes hangs it).
"""

from __future__ import annotations

import asyncio
import logging
import socket
from dataclasses import dataclass
from typing import Any

from pythonosc.osc_message_builder import OscMessageBuilder

from server.controls import ControlTable
from server.events import EventSink
from server.log_limit import LimitedLog
from server.mapping import MappingError, events_of_messages
from server.osc_packet import OscError, read_packet
from server.replies import ANSWERS, Reply, fail

logger = logging.getLogger(__name__)

_RECEIVE_BUFFER_BYTES = 1 << 20
"""Room for a burst of some thousand messages while the loop is busy; the system may give less."""


class OscAddressError(ValueError):
    """A host and port that cannot be listened on."""


def encode(reply: Reply) -> bytes:
    """The bytes of an answer."""
    builder = OscMessageBuilder(reply.address)
    for argument in reply.arguments:
        builder.add_arg(argument)
    return builder.build().dgram


@dataclass(frozen=True)
class UdpSender:
    """Whoever sent a datagram."""

    transport: asyncio.DatagramTransport
    peer: tuple[Any, ...]

    def reply(self, reply: Reply) -> None:
        """Send an answer; nobody may be there any more."""
        if not self.transport.is_closing():
            self.transport.sendto(encode(reply), self.peer)


class OscServer(asyncio.DatagramProtocol):
    """Listens on one UDP port from ``start`` to ``stop``.

    ``received`` counts the packets that came, ``rejected`` those of them that were refused.
    """

    def __init__(self, table: ControlTable, on_events: EventSink) -> None:
        self.received = 0
        self.rejected = 0
        self._table = table
        self._on_events = on_events
        self._log = LimitedLog(logger)
        self._transport: asyncio.DatagramTransport | None = None

    async def start(self, host: str, port: int) -> tuple[str, int]:
        """Listen; port 0 takes a free one. Returns the host and port that it became.

        Raises:
            OscAddressError: the port is in use, or the host is not of this machine.
        """
        loop = asyncio.get_running_loop()
        try:
            transport, _ = await loop.create_datagram_endpoint(
                lambda: self, local_addr=(host, port)
            )
        except OSError as error:
            raise OscAddressError(
                f"cannot listen for OSC on {host}:{port} ({error.strerror or error}); "
                "choose another with --osc HOST:PORT, or --osc none"
            ) from error
        self._transport = transport
        listening: socket.socket = transport.get_extra_info("socket")
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
        bound = listening.getsockname()
        return bound[0], bound[1]

    def stop(self) -> None:
        """Free the port; answers already given are still sent. May be called twice."""
        self._log.flush()
        if self._transport:
            self._transport.close()

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        """Take in one packet (called by the event loop)."""
        assert self._transport is not None
        sender = UdpSender(self._transport, addr)
        self.received += 1
        try:
            events = events_of_messages(self._table, read_packet(data), sender)
        except (OscError, MappingError) as error:
            self._refuse(error, sender)
        else:
            self._on_events(events)

    def error_received(self, exc: Exception) -> None:
        """An answer did not arrive, for its receiver is gone: no concern of ours."""
        logger.debug("an OSC answer did not arrive: %s", exc)

    def _refuse(self, error: OscError | MappingError, sender: UdpSender) -> None:
        self.rejected += 1
        host, port = sender.peer[:2]
        self._log.warning(f"OSC from {host}:{port} refused: {error}")
        if error.address not in ANSWERS:
            sender.reply(fail(error.address or "packet", str(error)))
