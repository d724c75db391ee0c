"""A strict reader of OSC 1.0 packets: returns their messages, or raises one error.

    packet  = message | bundle
    message = address, ",tags", arguments            every part a multiple of 4 bytes
    bundle  = "#bundle", time tag (8), { size (4), packet }

A packet is read or refused as a whole, in time linear in its length, whatever the bytes are; only a
message with an unknown type tag is left out by itself, as OSC specifies. Numbers are passed on
unchanged, infinities too: ``server.osc.mapping`` checks them against the controls. python-osc does
not read here, because it never returns from some packets of 20 bytes (measured, python-osc 1.10).

Source: https://opensoundcontrol.stanford.edu/spec-1_0.html
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from server.osc.arguments import (
    MAX_DEPTH,
    Argument,
    OscError,
    UnknownTagError,
    read_arguments,
    read_text,
    require_bytes,
)

MAX_PACKET_BYTES = 65507
"""The largest UDP datagram over IPv4."""
MAX_ADDRESS_BYTES = 255
MAX_ARGUMENTS = 1024
MAX_ELEMENTS = 1024
"""Messages and bundles in one packet, at all depths together."""

IMMEDIATELY = 1
"""The time tag that means now."""

_BUNDLE = b"#bundle\0"


@dataclass(frozen=True)
class OscMessage:
    """One message; ``time_tag`` is that of the bundle around it, None for immediately."""

    address: str
    arguments: tuple[Argument, ...] = ()
    time_tag: int | None = None


@dataclass(frozen=True)
class OscPacket:
    """The messages of a packet in order, and the errors of those left out."""

    messages: tuple[OscMessage, ...] = ()
    left_out: tuple[UnknownTagError, ...] = ()


def read_packet(packet: bytes) -> OscPacket:
    """Return the messages of a packet, with bundles flattened, in order.

    Raises:
        OscError: it is not OSC 1.0, or exceeds this module's limits.
    """
    if len(packet) > MAX_PACKET_BYTES:
        raise OscError(f"packet of {len(packet)} bytes; at most {MAX_PACKET_BYTES}")
    reader = _Reader(packet)
    reader.element(0, len(packet), None, 0)
    return OscPacket(tuple(reader.messages), tuple(reader.left_out))


class _Reader:
    """Walks one packet; ``elements`` counts those opened so far."""

    def __init__(self, packet: bytes) -> None:
        self.packet = packet
        self.elements = 0
        self.messages: list[OscMessage] = []
        self.left_out: list[UnknownTagError] = []

    def element(self, start: int, end: int, time_tag: int | None, depth: int) -> None:
        """Read the element between ``start`` and ``end``."""
        self.elements += 1
        if self.elements > MAX_ELEMENTS:
            raise OscError(f"more than {MAX_ELEMENTS} messages in one packet")
        if end == start or (end - start) % 4:
            raise OscError(f"{end - start} bytes; expected a positive multiple of 4")
        if self.packet.startswith(_BUNDLE, start, end):
            self._bundle(start + len(_BUNDLE), end, time_tag, depth + 1)
        elif self.packet.startswith(b"/", start, end):
            try:
                self.messages.append(self._message(start, end, time_tag))
            except UnknownTagError as error:
                self.left_out.append(error)
        else:
            raise OscError("neither a message, which begins with '/', nor a '#bundle'")

    def _bundle(self, start: int, end: int, around: int | None, depth: int) -> None:
        """Read a bundle; ``around`` is the time tag of the enclosing bundle."""
        if depth > MAX_DEPTH:
            raise OscError(f"bundles nested more than {MAX_DEPTH} deep")
        require_bytes(start, 8, end, "time tag")
        (given,) = struct.unpack_from(">Q", self.packet, start)
        time_tag = _not_before(given, around)
        position = start + 8
        while position < end:
            require_bytes(position, 4, end, "size of a bundle element")
            (size,) = struct.unpack_from(">i", self.packet, position)
            position += 4
            if not 0 < size <= end - position:
                raise OscError(f"bundle element of {size} bytes; {end - position} are left")
            self.element(position, position + size, time_tag, depth)
            position += size

    def _message(self, start: int, end: int, time_tag: int | None) -> OscMessage:
        address, position = read_text(self.packet, start, end)
        _check_address(address)
        try:
            tags, position = self._tags(position, end)
            arguments, position = read_arguments(self.packet, tags, position, end)
            if position != end:
                raise OscError(f"{end - position} bytes after the last argument")
        except OscError as error:
            raise type(error)(f"{address}: {error}", address) from None
        return OscMessage(address, arguments, time_tag)

    def _tags(self, start: int, end: int) -> tuple[str, int]:
        """Return the type tags without the comma; older senders may omit empty ones."""
        if start == end:
            return "", start
        if not self.packet.startswith(b",", start, end):
            raise OscError("arguments without type tags, which begin with ','")
        tags, position = read_text(self.packet, start, end)
        if len(tags) - 1 > MAX_ARGUMENTS:
            raise OscError(f"{len(tags) - 1} type tags; at most {MAX_ARGUMENTS}")
        return tags[1:], position


def _not_before(time_tag: int, around: int | None) -> int | None:
    """Return a bundle's time tag; "immediately" within another bundle means that one's time."""
    if time_tag == IMMEDIATELY:
        return around
    # NTP time wraps in 2036: a tag is later if it is less than half the range ahead.
    if around is not None and (time_tag - around) % 2**64 >= 2**63:
        raise OscError("a bundle is due before the bundle around it")
    return time_tag


def _check_address(address: str) -> None:
    if len(address) > MAX_ADDRESS_BYTES:
        raise OscError(f"address of {len(address)} characters; at most {MAX_ADDRESS_BYTES}")
    if not (address.isascii() and address.isprintable()) or " " in address or "#" in address:
        raise OscError(f"address {address!a}: only printable ASCII without space and '#'")
