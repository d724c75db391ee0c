"""OSC packets in a TCP stream: two framings, distinguished by the first byte.

    OSC 1.0   size (4 bytes), packet, size, packet ...    a size within the limit begins with 0
    OSC 1.1   END packet END END packet END ...           SLIP (RFC 1055); some senders omit the
                                                          first END and begin with '/' or '#'

Bytes may arrive in pieces of any size; the time is linear in their number. After an error the
stream cannot be used any more.
"""

from __future__ import annotations

import struct
from abc import ABC, abstractmethod
from collections.abc import Iterator

from server.osc.packet import MAX_PACKET_BYTES

_SIZE = struct.Struct(">i")
_END, _ESC = b"\xc0", b"\xdb"
_ESCAPED_END, _ESCAPED_ESC = b"\xdb\xdc", b"\xdb\xdd"


class FramingError(ValueError):
    """A stream whose packets can no longer be found."""


class Framing(ABC):
    """A way to frame packets in a stream, and the state of reading it."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def is_within(self) -> bool:
        """True if a packet has begun and not ended."""
        return bool(self._buffer)

    @abstractmethod
    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the packets that ``data`` completes.

        Raises:
            FramingError: the stream is broken; earlier packets were yielded.
        """

    @staticmethod
    @abstractmethod
    def wrap(packet: bytes) -> bytes:
        """Return ``packet`` as framed in the stream."""


def framing_of(first: int) -> Framing:
    """Return the framing of a stream whose first byte is ``first``.

    Raises:
        FramingError: it is neither.
    """
    if first == 0:
        return LengthPrefixed()
    if bytes([first]) in (_END, b"/", b"#"):
        return Slip()
    raise FramingError(
        f"a stream that begins with byte {first}; expected a size (byte 0) or SLIP (byte 192)"
    )


class LengthPrefixed(Framing):
    """Each packet follows its size, a big-endian integer of 32 bits."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the packets that ``data`` completes."""
        self._buffer += data
        position = 0
        try:
            while position + _SIZE.size <= len(self._buffer):
                (size,) = _SIZE.unpack_from(self._buffer, position)
                if not 0 <= size <= MAX_PACKET_BYTES:
                    raise FramingError(f"packet of {size} bytes; at most {MAX_PACKET_BYTES}")
                start = position + _SIZE.size
                if start + size > len(self._buffer):
                    break
                position = start + size
                yield bytes(self._buffer[start:position])
        finally:
            del self._buffer[:position]

    @staticmethod
    def wrap(packet: bytes) -> bytes:
        """Return ``packet`` as framed in the stream."""
        return _SIZE.pack(len(packet)) + packet


class Slip(Framing):
    """Packets between END bytes; an END or ESC within one is escaped."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the packets that ``data`` completes; two ENDs in a row are no packet."""
        *ended, rest = data.split(_END)
        for piece in ended:
            self._append(piece)
            packet, self._buffer = _unescaped(bytes(self._buffer)), bytearray()
            if packet:
                yield packet
        self._append(rest)

    def _append(self, piece: bytes) -> None:
        self._buffer += piece
        # Escaped, a packet is at most twice as long.
        if len(self._buffer) > 2 * MAX_PACKET_BYTES:
            raise FramingError(f"packet of more than {MAX_PACKET_BYTES} bytes")

    @staticmethod
    def wrap(packet: bytes) -> bytes:
        """Return ``packet`` as framed in the stream."""
        escaped = packet.replace(_ESC, _ESCAPED_ESC).replace(_END, _ESCAPED_END)
        return _END + escaped + _END


def _unescaped(escaped: bytes) -> bytes:
    pairs = escaped.count(_ESCAPED_END) + escaped.count(_ESCAPED_ESC)
    if escaped.count(_ESC) != pairs:
        raise FramingError("an ESC of SLIP that escapes nothing")
    return escaped.replace(_ESCAPED_END, _END).replace(_ESCAPED_ESC, _ESC)
