"""A strict reader of OSC 1.0 packets: bytes in, messages out, or one reason why not.

    packet  = message | bundle
    message = address, ",tags", arguments            every part a multiple of 4 bytes
    bundle  = "#bundle", time tag (8), { size (4), packet }

A packet is read as a whole or refused as a whole, in time linear in its length, whatever the
bytes are; only a message with a type tag that nobody knows is left out by itself, as OSC says.
Numbers are passed on as they came, infinities too: what a control may be set to is for
``server.osc.mapping`` to say. Source: https://opensoundcontrol.stanford.edu/spec-1_0.html
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

MAX_PACKET_BYTES = 65507
"""The largest UDP datagram over IPv4."""
MAX_ADDRESS_BYTES = 255
MAX_ARGUMENTS = 1024
MAX_ELEMENTS = 1024
"""Messages and bundles in one packet, at all depths together."""
MAX_DEPTH = 8
"""Bundles in bundles, and arrays in arrays."""

IMMEDIATELY = 1
"""The time tag that means now."""

_BUNDLE = b"#bundle\0"


class OscError(ValueError):
    """A packet that is no OSC; ``address`` is that of the message at fault, where it is known."""

    def __init__(self, reason: str, address: str | None = None) -> None:
        super().__init__(reason)
        self.address = address


class UnknownTagError(OscError):
    """A message with a type tag that is not of OSC 1.0; what stands beside it can be read."""


@dataclass(frozen=True)
class TimeTag:
    """An argument ``t``: NTP time, seconds since 1900 in the upper 32 bits."""

    ntp: int


@dataclass(frozen=True)
class Char:
    """An argument ``c``."""

    text: str


@dataclass(frozen=True)
class Rgba:
    """An argument ``r``: red, green, blue, alpha, 0..255 each."""

    channels: tuple[int, ...]


@dataclass(frozen=True)
class Midi:
    """An argument ``m``: port, status and two data bytes."""

    message: tuple[int, ...]


@dataclass(frozen=True)
class Impulse:
    """An argument ``I``: something happened, no value."""


Argument = (
    int
    | float
    | str
    | bytes
    | bool
    | None
    | TimeTag
    | Char
    | Rgba
    | Midi
    | Impulse
    | tuple["Argument", ...]
)
"""What an argument becomes; an array is a tuple."""


@dataclass(frozen=True)
class OscMessage:
    """One message; ``time_tag`` is that of the bundle around it, None where it means now."""

    address: str
    arguments: tuple[Argument, ...] = ()
    time_tag: int | None = None


@dataclass(frozen=True)
class OscPacket:
    """What a packet holds: its messages in order, and why others were left out."""

    messages: tuple[OscMessage, ...] = ()
    left_out: tuple[UnknownTagError, ...] = ()


def read_packet(packet: bytes) -> OscPacket:
    """The messages of a packet, bundles taken apart, in order.

    Raises:
        OscError: anything about it is not OSC 1.0, or it is beyond this module's limits.
    """
    if len(packet) > MAX_PACKET_BYTES:
        raise OscError(f"packet of {len(packet)} bytes; at most {MAX_PACKET_BYTES}")
    reader = _Reader(packet)
    reader.element(0, len(packet), None, 0)
    return OscPacket(tuple(reader.messages), tuple(reader.left_out))


class _Reader:
    """Walks one packet; ``elements`` counts what has been opened so far."""

    def __init__(self, packet: bytes) -> None:
        self.packet = packet
        self.elements = 0
        self.messages: list[OscMessage] = []
        self.left_out: list[UnknownTagError] = []

    def element(self, start: int, end: int, time_tag: int | None, depth: int) -> None:
        """Take in what lies between ``start`` and ``end``."""
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
        """``around`` is the time tag of the bundle around this one."""
        if depth > MAX_DEPTH:
            raise OscError(f"bundles nested more than {MAX_DEPTH} deep")
        _need(start, 8, end, "time tag")
        (given,) = struct.unpack_from(">Q", self.packet, start)
        time_tag = _not_before(given, around)
        position = start + 8
        while position < end:
            _need(position, 4, end, "size of a bundle element")
            (size,) = struct.unpack_from(">i", self.packet, position)
            position += 4
            if not 0 < size <= end - position:
                raise OscError(f"bundle element of {size} bytes; {end - position} are left")
            self.element(position, position + size, time_tag, depth)
            position += size

    def _message(self, start: int, end: int, time_tag: int | None) -> OscMessage:
        address, position = _text(self.packet, start, end)
        _check_address(address)
        try:
            tags, position = self._tags(position, end)
            arguments, position = _arguments(self.packet, tags, position, end)
            if position != end:
                raise OscError(f"{end - position} bytes after the last argument")
        except OscError as error:
            raise type(error)(f"{address}: {error}", address) from None
        return OscMessage(address, arguments, time_tag)

    def _tags(self, start: int, end: int) -> tuple[str, int]:
        """Type tags without the comma; older senders leave them out when nothing follows."""
        if start == end:
            return "", start
        if not self.packet.startswith(b",", start, end):
            raise OscError("arguments without type tags, which begin with ','")
        tags, position = _text(self.packet, start, end)
        if len(tags) - 1 > MAX_ARGUMENTS:
            raise OscError(f"{len(tags) - 1} type tags; at most {MAX_ARGUMENTS}")
        return tags[1:], position


def _not_before(time_tag: int, around: int | None) -> int | None:
    """A bundle's time tag; one that means now within another bundle means that one's time."""
    if time_tag == IMMEDIATELY:
        return around
    # NTP time wraps in 2036: what is less than half its range later is later.
    if around is not None and (time_tag - around) % 2**64 >= 2**63:
        raise OscError("a bundle is due before the bundle around it")
    return time_tag


def _check_address(address: str) -> None:
    if len(address) > MAX_ADDRESS_BYTES:
        raise OscError(f"address of {len(address)} characters; at most {MAX_ADDRESS_BYTES}")
    if not (address.isascii() and address.isprintable()) or " " in address or "#" in address:
        raise OscError(f"address {address!a}: only printable ASCII without space and '#'")


def _arguments(
    packet: bytes, tags: str, position: int, end: int
) -> tuple[tuple[Argument, ...], int]:
    open_arrays: list[list[Argument]] = [[]]
    for tag in tags:
        if tag == "[":
            if len(open_arrays) > MAX_DEPTH:
                raise OscError(f"arrays nested more than {MAX_DEPTH} deep")
            open_arrays.append([])
        elif tag == "]":
            if len(open_arrays) == 1:
                raise OscError("']' closes an array that was not opened")
            array = tuple(open_arrays.pop())
            open_arrays[-1].append(array)
        elif read := _READERS.get(tag):
            value, position = read(packet, position, end)
            open_arrays[-1].append(value)
        else:
            known = "".join(_READERS)
            raise UnknownTagError(f"unknown type tag {tag!a}; known are {known}[]")
    if len(open_arrays) > 1:
        raise OscError("'[' opens an array that is not closed")
    return tuple(open_arrays[0]), position


def _need(position: int, size: int, end: int, what: str) -> None:
    if size > end - position:
        raise OscError(f"{what} needs {size} bytes; {end - position} are left")


def _text(packet: bytes, start: int, end: int) -> tuple[str, int]:
    """Text up to its terminator, and where its zero padding ends."""
    stop = packet.find(b"\0", start, end)
    if stop < 0:
        raise OscError("text without its closing zero byte")
    after = _padded(packet, stop + 1, start, end)
    try:
        text = packet[start:stop].decode("utf-8")
    except UnicodeDecodeError:
        raise OscError(f"text {packet[start:stop][:20]!r} is not UTF-8") from None
    if any(character < " " or "\x7f" <= character < "\xa0" for character in text):
        raise OscError(f"text {text[:20]!a} has control characters")
    return text, after


def _padded(packet: bytes, stop: int, start: int, end: int) -> int:
    """The multiple of 4 from ``start`` at or after ``stop``; between them are zeros only."""
    after = stop + (start - stop) % 4
    if after > end:
        raise OscError("padding is cut off")
    if any(packet[stop:after]):
        raise OscError("padding is not zero")
    return after


def _blob(packet: bytes, position: int, end: int) -> tuple[bytes, int]:
    _need(position, 4, end, "size of a blob")
    (size,) = struct.unpack_from(">i", packet, position)
    start = position + 4
    if not 0 <= size <= end - start:
        raise OscError(f"blob of {size} bytes; {end - start} are left")
    return packet[start : start + size], _padded(packet, start + size, start, end)


_ReadArgument = Callable[[bytes, int, int], tuple[Argument, int]]


def _fixed(
    layout: str, what: str, make: Callable[..., Argument] = lambda value: value
) -> _ReadArgument:
    """A reader of ``struct`` layout ``layout``; ``make`` turns its numbers into the argument."""
    form = struct.Struct(layout)

    def read(packet: bytes, position: int, end: int) -> tuple[Argument, int]:
        _need(position, form.size, end, what)
        return make(*form.unpack_from(packet, position)), position + form.size

    return read


def _constant(value: Argument) -> _ReadArgument:
    return lambda packet, position, end: (value, position)


def _char(code: int) -> Char:
    if not 0 <= code < 128:
        raise OscError(f"character code {code}; allowed are 0 to 127")
    return Char(chr(code))


_READERS: dict[str, _ReadArgument] = {
    "i": _fixed(">i", "32-bit integer"),
    "f": _fixed(">f", "32-bit float"),
    "s": _text,
    "b": _blob,
    "h": _fixed(">q", "64-bit integer"),
    "d": _fixed(">d", "64-bit float"),
    "t": _fixed(">Q", "time tag", TimeTag),
    "S": _text,
    "c": _fixed(">i", "character", _char),
    "r": _fixed(">4B", "colour", lambda *channels: Rgba(channels)),
    "m": _fixed(">4B", "MIDI message", lambda *message: Midi(message)),
    "T": _constant(True),
    "F": _constant(False),
    "N": _constant(None),
    "I": _constant(Impulse()),
}
