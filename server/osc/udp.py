"""OSC over UDP: one datagram, one packet; the event loop delivers one per turn."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from typing import Any

from server.osc.senders import UdpSender

logger = logging.getLogger(__name__)

_RECEIVE_BUFFER_BYTES = 1 << 20
"""Room for a burst of some thousand messages while the loop is busy; the system may grant less."""


class OscDatagrams(asyncio.DatagramProtocol):
    """One UDP port."""

    def __init__(self, on_packet: Callable[[bytes, UdpSender], None]) -> None:
        self._on_packet = on_packet
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]  # as asyncio has it
        """The port is open (called by the event loop)."""
        self._transport = transport
        listening: socket.socket = transport.get_extra_info("socket")
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        """Process one packet (called by the event loop)."""
        assert self._transport is not None
        self._on_packet(data, UdpSender(self._transport, addr))

    def error_received(self, exc: Exception) -> None:
        """Log that a reply did not arrive; its receiver is gone, which does no harm."""
        logger.debug("an OSC reply did not arrive: %s", exc)
