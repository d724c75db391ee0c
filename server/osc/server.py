"""OSC over UDP and TCP on one port number: packets become events, in the order they came.

    UDP --.
           >-- osc_intake (packet -> messages -> events) -> on_events
    TCP --'        '----> refused: counted, logged once a second, /fail to the sender

No packet ends the server, and nobody can hold up another. python-osc builds the answers; it is
not used to read (FACTS: a packet of 20 bytes hangs it).
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any, Protocol

from server.controls.control import ControlTable
from server.controls.events import Event
from server.controls.replies import ANSWERS, fail
from server.osc.access import Network, is_allowed, is_loopback
from server.osc.intake import Intake, Refusal, take_in
from server.osc.senders import OscSender, UdpSender
from server.osc.sockets import SocketPair, socket_pairs
from server.osc.tcp import OscConnections
from server.osc.udp import OscDatagrams
from server.system.log_limit import LimitedLog

logger = logging.getLogger(__name__)

MAX_FAILS_A_PACKET = 16
"""Answers to one packet of refused messages; so that a small packet makes no great noise."""


class OscSink(Protocol):
    """Takes what is due together: now, or at an NTP time tag."""

    def __call__(self, events: tuple[Event, ...], time_tag: int | None = None, /) -> None:
        """Take in one group of events."""


Watcher = Callable[[OscSender, Intake], None]


class OscServer:
    """Listens from ``start`` to ``stop``.

    ``received`` counts the packets that came, ``rejected`` what of them was refused: packets,
    messages, connections. ``watchers`` see every packet of an allowed sender.
    """

    def __init__(
        self,
        table: ControlTable,
        on_events: OscSink,
        *,
        allowed: Sequence[Network] = (),
        watchers: Sequence[Watcher] = (),
    ) -> None:
        self.received = 0
        self.rejected = 0
        self.table = table
        self._on_events = on_events
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
        intake = take_in(self.table, packet, sender)
        for watch in self._watchers:
            watch(sender, intake)
        for group in intake.groups:
            try:
                self._on_events(group.events, group.time_tag)
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
