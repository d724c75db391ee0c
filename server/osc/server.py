"""OSC over UDP and TCP on one port number: packets become events, in the order they came.

    UDP --.
           >-- server.osc.mapping (packet -> messages -> events) -> dispatcher
    TCP --'        '----> rejected: counted, logged once a second, /fail to the sender

No packet ends the server, and no client can hold up another. python-osc builds the answers; it is
not used to read, since a packet of 20 bytes (a bundle whose element has size -4) hangs it.
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
from server.osc.mapping import Intake, Refusal, read_events
from server.osc.senders import OscSender, UdpSender
from server.osc.sockets import SocketPair, socket_pairs
from server.osc.tcp import OscConnections
from server.system.log_limit import LimitedLog

logger = logging.getLogger(__name__)

MAX_FAILS_A_PACKET = 16
"""Answers to one packet of refused messages; so that a small packet makes no great noise."""


_RECEIVE_BUFFER_BYTES = 1 << 20
"""Room for a burst of some thousand messages while the loop is busy; the system may give less."""


Watcher = Callable[[OscSender, Intake], None]


class OscServer(Feature):
    """Listens from ``start`` to ``stop``.

    ``received`` counts the packets that came, ``rejected`` the packets, messages and connections
    among them that were refused. ``watchers`` see every packet of an allowed sender.
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
        self._endings: list[Callable[[], None]] = []
        self._datagrams: dict[int, asyncio.DatagramTransport] = {}
        self.connections = OscConnections(self._take, self._refuse_stream, self._admits)

    async def start(self, host: str, port: int) -> tuple[tuple[str, int], ...]:
        """Listen; port 0 takes a free one. Returns the addresses that it became.

        Raises:
            OscAddressError: the port is in use, or the host is not of this machine.
        """
        pairs = socket_pairs(host, port)
        for pair in pairs:
            await self._listen(pair)
        self._warn_of_strangers([pair.address[0] for pair in pairs])
        return tuple(pair.address for pair in pairs)

    def stop(self) -> None:
        """Free the port; answers already given are still sent. May be called twice."""
        self._log.flush()
        for end in self._endings:
            end()
        self._endings.clear()

    def sender_at(self, peer: tuple[Any, ...]) -> UdpSender | None:
        """Whoever sends datagrams from ``peer``; None where nothing listens to its kind."""
        family = socket.AF_INET6 if len(peer) == 4 else socket.AF_INET
        transport = self._datagrams.get(family)
        return None if transport is None else UdpSender(transport, peer)

    async def _listen(self, pair: SocketPair) -> None:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(
            lambda: OscDatagrams(self._take_datagram), sock=pair.datagrams
        )
        server = await loop.create_server(self.connections.protocol, sock=pair.streams)
        self._endings += [transport.close, server.close, self.connections.close]
        self._datagrams[pair.datagrams.family] = transport

    def _warn_of_strangers(self, hosts: Sequence[str]) -> None:
        """Not only this machine can send: tell who may."""
        beyond = ", ".join(host for host in hosts if not is_loopback(host))
        if beyond and self._allowed:
            allowed = ", ".join(map(str, self._allowed))
            logger.warning("OSC listens beyond this machine, on %s, to %s", beyond, allowed)
        elif beyond:
            logger.warning(
                "OSC listens on %s: whoever reaches this machine can play, load files of the "
                "media folder and end the program; --osc-allow ADDRESS names who may",
                beyond,
            )

    def _admits(self, host: str) -> bool:
        return is_allowed(host, self._allowed)

    def _take_datagram(self, packet: bytes, sender: UdpSender) -> None:
        if self._admits(sender.peer[0]):
            self._take(packet, sender)
        else:
            self.received += 1
            self._count(f"OSC from {sender.name} ignored: not allowed to send, see --osc-allow")

    def _take(self, packet: bytes, sender: OscSender) -> None:
        """One packet of an allowed sender."""
        self.received += 1
        intake = read_events(self._desk.table, packet, sender)
        for watch in self._watchers:
            watch(sender, intake)
        for group in intake.groups:
            try:
                self.dispatcher(group.events, group.time_tag)
            except Exception as error:  # a mistake of ours; a dead server would be worse
                self._count(f"OSC from {sender.name} was not carried out ({error!r})")
        self._refuse(intake.refusals, sender)

    def _refuse(self, refusals: Sequence[Refusal], sender: OscSender) -> None:
        for error in refusals:
            self._count(f"OSC from {sender.name} refused: {error}")
        answered = (error for error in refusals if error.address not in ANSWERS)
        for error in islice(answered, MAX_FAILS_A_PACKET):
            sender.reply(fail(error.address or "packet", str(error)))

    def _refuse_stream(self, error: Exception, name: str, sender: OscSender | None) -> None:
        self._count(f"OSC from {name} refused: {error}")
        if sender is not None:
            sender.reply(fail("packet", str(error)))

    def _count(self, why: str) -> None:
        self.rejected += 1
        self._log.warning(why)


class OscDatagrams(asyncio.DatagramProtocol):
    """One UDP port: a datagram is a packet; the event loop hands over one a turn."""

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
