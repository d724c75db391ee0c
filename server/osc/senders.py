"""The sender of an OSC packet, and how a reply gets back to it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Protocol

from pythonosc.osc_message_builder import OscMessageBuilder

from server.controls.events import Sender
from server.controls.replies import Reply
from server.osc.stream import Framing

MAX_UNREAD_BYTES = 1 << 20
"""Replies that may wait for a client to read them."""


class OscSender(Sender, Protocol):
    """A sender with a name."""

    @property
    def name(self) -> str:
        """Host and port, for the log."""


def encode(reply: Reply) -> bytes:
    """Encode a reply."""
    builder = OscMessageBuilder(reply.address)
    for argument in reply.arguments:
        builder.add_arg(_sendable(argument) if isinstance(argument, str) else argument)
    return builder.build().dgram


def host_and_port(host: str, port: int) -> str:
    """Format ``127.0.0.1:9000``, ``[::1]:9000``."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@dataclass(frozen=True)
class UdpSender:
    """The sender of a datagram."""

    transport: asyncio.DatagramTransport
    peer: tuple[Any, ...]

    @property
    def name(self) -> str:
        """Host and port, for the log."""
        return host_and_port(*self.peer[:2])

    def reply(self, reply: Reply) -> None:
        """Send a reply; the receiver may be gone."""
        if not self.transport.is_closing():
            self.transport.sendto(encode(reply), self.peer)

    def is_gone(self, silent_s: float, patience_s: float) -> bool:
        """Return True after ``patience_s`` of silence; UDP does not signal the end."""
        return silent_s > patience_s


@dataclass(frozen=True, eq=False)
class TcpSender:
    """The other end of a connection; replies use its framing."""

    transport: asyncio.Transport
    framing: Framing
    name: str

    def reply(self, reply: Reply) -> None:
        """Send a reply; a client that does not read its replies is disconnected."""
        if self.transport.is_closing():
            return
        if self.transport.get_write_buffer_size() > MAX_UNREAD_BYTES:
            self.transport.abort()
            return
        self.transport.write(self.framing.wrap(encode(reply)))

    def is_gone(self, silent_s: float, patience_s: float) -> bool:
        """Return True once the connection is closing."""
        return self.transport.is_closing()


def _sendable(text: str) -> str:
    """Replace what an OSC string cannot carry: zeros, and surrogates of odd file names."""
    return text.replace("\0", "?").encode("utf-8", "replace").decode("utf-8")
