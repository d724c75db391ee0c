"""OSC over UDP: one datagram, one packet; the event loop hands over one a turn."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from typing import Any

from server.osc.senders import UdpSender

logger = logging.getLogger(__name__)

_RECEIVE_BUFFER_BYTES = 1 << 20
"""Room for a burst of some thousand messages while the loop is busy; the system may give less."""


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
        """Take in one packet (called by the event loop)."""
        assert self._transport is not None
        self._on_packet(data, UdpSender(self._transport, addr))

    def error_received(self, exc: Exception) -> None:
        """An answer did not arrive, for its receiver is gone: no concern of ours."""
        logger.debug("an OSC answer did not arrive: %s", exc)
