"""OSC packets in a stream: both framings, in pieces of any size, and broken streams."""

from __future__ import annotations

import contextlib
import random
import struct
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pythonosc import slip as oracle

from server.osc.packet import MAX_PACKET_BYTES
from server.osc.stream import Framing, FramingError, LengthPrefixed, Slip, framing_of

FRAMINGS = [LengthPrefixed, Slip]
END, ESC = b"\xc0", b"\xdb"

packets = st.lists(st.binary(min_size=1, max_size=40) | st.just(END + ESC + END), max_size=6)


def in_pieces(stream: bytes, seed: int) -> list[bytes]:
    generator, pieces = random.Random(seed), []
    while stream:
        size = generator.randint(1, 9)
        pieces.append(stream[:size])
        stream = stream[size:]
    return pieces


@settings(deadline=None)
@given(st.sampled_from(FRAMINGS), packets, st.integers(0, 99))
def test_packets_survive_framing_in_pieces_of_any_size(
    kind: type[Framing], sent: list[bytes], seed: int
) -> None:
    framing = kind()
    stream = b"".join(map(framing.wrap, sent))
    read = [packet for piece in in_pieces(stream, seed) for packet in framing.feed(piece)]
    assert read == sent
    assert not framing.is_within


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_slip_agrees_with_python_osc(packet: bytes) -> None:
    assert Slip.wrap(packet) == oracle.encode(packet)
    assert list(Slip().feed(oracle.encode(packet))) == ([packet] if packet else [])


@pytest.mark.parametrize(
    ("first", "kind"), [(0, LengthPrefixed), (0xC0, Slip), (ord("/"), Slip), (ord("#"), Slip)]
)
def test_the_first_byte_decides_the_framing(first: int, kind: type[Framing]) -> None:
    assert isinstance(framing_of(first), kind)


@pytest.mark.parametrize("first", [1, ord("G"), 0xFF])
def test_a_stream_of_something_else_is_refused(first: int) -> None:
    with pytest.raises(FramingError, match=f"begins with byte {first};"):
        framing_of(first)


def test_slip_without_a_leading_end_byte_is_read() -> None:
    assert list(Slip().feed(b"/x\0\0" + END)) == [b"/x\0\0"]


def test_a_framing_is_within_a_packet_until_the_packet_ends() -> None:
    for framing, stream in ((LengthPrefixed(), b"\0\0\0\x04/x\0\0"), (Slip(), b"\xc0/x\0\0\xc0")):
        assert not framing.is_within
        assert list(framing.feed(stream[:-1])) == [] and framing.is_within
        assert list(framing.feed(stream[-1:])) == [b"/x\0\0"] and not framing.is_within


@pytest.mark.parametrize(
    ("kind", "stream", "reason"),
    [
        (LengthPrefixed, struct.pack(">i", MAX_PACKET_BYTES + 1), "at most 65507"),
        (LengthPrefixed, struct.pack(">i", -4), "packet of -4 bytes"),
        (Slip, b"\xc0" + b"a" * (2 * MAX_PACKET_BYTES + 1), "more than 65507"),
        (Slip, b"\xc0a\xdba\xc0", "escapes nothing"),
        (Slip, b"\xc0a\xdb\xc0", "escapes nothing"),
    ],
)
def test_a_broken_stream_fails_after_the_packets_before_the_fault(
    kind: type[Framing], stream: bytes, reason: str
) -> None:
    framing = kind()
    read: list[bytes] = []
    with pytest.raises(FramingError, match=reason):
        read.extend(framing.feed(framing.wrap(b"/x\0\0") + stream))
    assert read == [b"/x\0\0"]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(FRAMINGS), st.lists(st.binary(max_size=30), max_size=8))
def test_any_bytes_give_packets_or_a_framing_error(
    kind: type[Framing], pieces: list[bytes]
) -> None:
    framing = kind()
    read: list[bytes] = []
    with contextlib.suppress(FramingError):
        for piece in pieces:
            read.extend(framing.feed(piece))
    assert sum(map(len, read)) <= sum(map(len, pieces))


@pytest.mark.parametrize("kind", FRAMINGS)
def test_a_packet_in_single_bytes_is_read_in_linear_time(
    kind: type[Framing],
) -> None:
    framing = kind()
    stream = framing.wrap(b"/" * MAX_PACKET_BYTES)
    begin = time.process_time()
    read = [packet for byte in stream for packet in framing.feed(bytes([byte]))]
    assert len(read) == 1
    assert time.process_time() - begin < 2.0
