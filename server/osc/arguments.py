"""The arguments of an OSC 1.0 message: bytes at a position become a value and the next position.

Source: https://opensoundcontrol.stanford.edu/spec-1_0.html, "OSC Type Tag String".
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

MAX_DEPTH = 8
"""Nesting of bundles, and of arrays."""


class OscError(ValueError):
    """A packet that is not OSC; ``address`` is that of the faulty message, where it is known."""

    def __init__(self, reason: str, address: str | None = None) -> None:
        super().__init__(reason)
        self.address = address


class UnknownTagError(OscError):
    """A message with a type tag that is not in OSC 1.0; the messages beside it can be read."""


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
    """An argument ``I``: an event without a value."""


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
"""A parsed argument; an array is a tuple."""


def read_arguments(
    packet: bytes, tags: str, position: int, end: int
) -> tuple[tuple[Argument, ...], int]:
    """Read the arguments that ``tags`` announce; return them and their end.

    Raises:
        OscError: they do not match the tags, or do not fit before ``end``.
        UnknownTagError: a tag is not in OSC 1.0.
    """
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


def require_bytes(position: int, size: int, end: int, what: str) -> None:
    """Raise an error where fewer than ``size`` bytes are left for ``what``."""
    if size > end - position:
        raise OscError(f"{what} needs {size} bytes; {end - position} are left")


def read_text(packet: bytes, start: int, end: int) -> tuple[str, int]:
    """Read text up to its terminator; return it and the end of its zero padding."""
    stop = packet.find(b"\0", start, end)
    if stop < 0:
        raise OscError("text without its terminating zero byte")
    after = _padded(packet, stop + 1, start, end)
    try:
        text = packet[start:stop].decode("utf-8")
    except UnicodeDecodeError:
        raise OscError(f"text {packet[start:stop][:20]!r} is not UTF-8") from None
    if any(character < " " or "\x7f" <= character < "\xa0" for character in text):
        raise OscError(f"text {text[:20]!a} has control characters")
    return text, after


def _padded(packet: bytes, stop: int, start: int, end: int) -> int:
    """Return the next multiple of 4 from ``start``, at or after ``stop``, past zeros only."""
    after = stop + (start - stop) % 4
    if after > end:
        raise OscError("padding is cut off")
    if any(packet[stop:after]):
        raise OscError("padding is not zero")
    return after


def _blob(packet: bytes, position: int, end: int) -> tuple[bytes, int]:
    require_bytes(position, 4, end, "size of a blob")
    (size,) = struct.unpack_from(">i", packet, position)
    start = position + 4
    if not 0 <= size <= end - start:
        raise OscError(f"blob of {size} bytes; {end - start} are left")
    return packet[start : start + size], _padded(packet, start + size, start, end)


_ReadArgument = Callable[[bytes, int, int], tuple[Argument, int]]


def _fixed(
    layout: str, what: str, make: Callable[..., Argument] = lambda value: value
) -> _ReadArgument:
    """Make a reader of a ``struct`` layout; ``make`` turns its numbers into the argument."""
    form = struct.Struct(layout)

    def read(packet: bytes, position: int, end: int) -> tuple[Argument, int]:
        require_bytes(position, form.size, end, what)
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
    "s": read_text,
    "b": _blob,
    "h": _fixed(">q", "64-bit integer"),
    "d": _fixed(">d", "64-bit float"),
    "t": _fixed(">Q", "time tag", TimeTag),
    "S": read_text,
    "c": _fixed(">i", "character", _char),
    "r": _fixed(">4B", "colour", lambda *channels: Rgba(channels)),
    "m": _fixed(">4B", "MIDI message", lambda *message: Midi(message)),
    "T": _constant(True),
    "F": _constant(False),
    "N": _constant(None),
    "I": _constant(Impulse()),
}
