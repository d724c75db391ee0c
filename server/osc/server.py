"""OSC over UDP and TCP on one port number: packets become events, in the order of arrival.

    UDP --.
           >-- server.osc.mapping (packet -> messages -> events) -> dispatcher
    TCP --'        '----> rejected: counted, logged once a second, /fail to the sender

No packet ends the server, and no client can block another. python-osc builds the replies; it does
not read packets, since one of 20 bytes (a bundle whose element has size -4) hangs it.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

from server.controls.desk import Desk
from server.controls.feature import Feature
from server.controls.replies import ANSWERS, fail
from server.osc.access import Network, is_allowed, is_loopback
from server.osc.mapping import PacketError, ParsedPacket, parse_packet
from server.osc.senders import OscSender, UdpSender
from server.osc.sockets import SocketPair, socket_pairs
from server.osc.tcp import OscConnections
from server.system.log_limit import LimitedLog

logger = logging.getLogger(__name__)

MAX_FAILS_PER_PACKET = 16
"""Replies to one packet of rejected messages; a small packet must not cause many replies."""


_RECEIVE_BUFFER_BYTES = 1 << 20
"""Room for some thousand messages while the event loop is busy; the system may give less."""


Watcher = Callable[[OscSender, ParsedPacket], None]


class OscServer(Feature):
    """Listens from ``start`` to ``stop``.

    ``received`` counts packets, ``rejected`` the rejected packets, messages and connections.
    ``watchers`` are called with every packet of an allowed sender.
    """

    def __init__(
        self,
        desk: Desk,
        *,
        allowed: Sequence[Network] = (),
        watchers: Sequence[Watcher] = (),
    ) -> None:
        self.received = 0
        self.rejected = 0
        self._desk = desk
        self._allowed = allowed
        self._watchers = watchers
        self._log = LimitedLog(logger)
        self._closers: list[Callable[[], None]] = []
        self._datagrams: dict[int, asyncio.DatagramTransport] = {}
        self.connections = OscConnections(self._receive, self._reject_stream, self._admits)

    async def start(self, host: str, port: int) -> tuple[tuple[str, int], ...]:
        """Listen, and return the addresses; port 0 takes a free port.

        Raises:
            OscAddressError: the port is in use, or the host is not an address of this machine.
        """
        pairs = socket_pairs(host, port)
        for pair in pairs:
            await self._listen(pair)
        self._warn_of_network([pair.address[0] for pair in pairs])
        return tuple(pair.address for pair in pairs)

    def stop(self) -> None:
        """Free the port; replies already made are still sent. May be called twice."""
        self._log.flush()
        for close in self._closers:
            close()
        self._closers.clear()

    def sender_at(self, peer: tuple[Any, ...]) -> UdpSender | None:
        """Return the UDP sender at ``peer``; None if its address family is not listened to."""
        family = socket.AF_INET6 if len(peer) == 4 else socket.AF_INET
        transport = self._datagrams.get(family)
        return None if transport is None else UdpSender(transport, peer)

    async def _listen(self, pair: SocketPair) -> None:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(
            lambda: OscDatagrams(self._receive_datagram), sock=pair.datagrams
        )
        server = await loop.create_server(self.connections.protocol, sock=pair.streams)
        self._closers += [transport.close, server.close, self.connections.close]
        self._datagrams[pair.datagrams.family] = transport

    def _warn_of_network(self, hosts: Sequence[str]) -> None:
        """Warn if other machines can send, and say which ones."""
        public = ", ".join(host for host in hosts if not is_loopback(host))
        if public and self._allowed:
            allowed = ", ".join(map(str, self._allowed))
            logger.warning("OSC is open to the network on %s, to %s", public, allowed)
        elif public:
            logger.warning(
                "OSC is open to the network on %s: anyone who can reach this machine can play, "
                "load files from the media folder and quit the program; --osc-allow ADDRESS "
                "limits who may send",
                public,
            )

    def _admits(self, host: str) -> bool:
        return is_allowed(host, self._allowed)

    def _receive_datagram(self, packet: bytes, sender: UdpSender) -> None:
        if self._admits(sender.peer[0]):
            self._receive(packet, sender)
        else:
            self.received += 1
            self._count_rejected(
                f"OSC from {sender.name} ignored: not allowed to send, see --osc-allow"
            )

    def _receive(self, packet: bytes, sender: OscSender) -> None:
        """Handle a packet of an allowed sender."""
        self.received += 1
        parsed = parse_packet(self._desk.table, packet, sender)
        for watch in self._watchers:
            watch(sender, parsed)
        for group in parsed.groups:
            try:
                self.dispatcher(group.events, group.time_tag)
            except Exception as error:  # our mistake; a dead server would be worse
                self._count_rejected(f"OSC from {sender.name} was not carried out ({error!r})")
        self._reject(parsed.errors, sender)

    def _reject(self, errors: Sequence[PacketError], sender: OscSender) -> None:
        for error in errors:
            self._count_rejected(f"OSC from {sender.name} rejected: {error}")
        answered = (error for error in errors if error.address not in ANSWERS)
        for error in islice(answered, MAX_FAILS_PER_PACKET):
            sender.reply(fail(error.address or "packet", str(error)))

    def _reject_stream(self, error: Exception, name: str, sender: OscSender | None) -> None:
        self._count_rejected(f"OSC from {name} rejected: {error}")
        if sender is not None:
            sender.reply(fail("packet", str(error)))

    def _count_rejected(self, reason: str) -> None:
        self.rejected += 1
        self._log.warning(reason)


class OscDatagrams(asyncio.DatagramProtocol):
    """One UDP port: each datagram is a packet; the event loop reads one per iteration."""

    def __init__(self, on_packet: Callable[[bytes, UdpSender], None]) -> None:
        self._on_packet = on_packet
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]  # as asyncio has it
        """The port is open (called by the event loop)."""
        self._transport = transport
        listening: socket.socket = transport.get_extra_info("socket")
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        """Pass a packet on (called by the event loop)."""
        assert self._transport is not None
        self._on_packet(data, UdpSender(self._transport, addr))

    def error_received(self, exc: Exception) -> None:
        """Ignore a reply that did not arrive because its receiver has left."""
        logger.debug("an OSC reply did not arrive: %s", exc)
