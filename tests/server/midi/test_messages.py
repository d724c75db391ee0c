"""MIDI bytes to moves: tables of bytes, as they come over the wire."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mido import Message

from server.midi.messages import Memory, moves_of
from server.midi.moves import Kind, Knob, Move


def moved(*messages: bytes, port: str = "knobs") -> list[Move]:
    return moved_from(*((port, message) for message in messages))


def moved_from(*messages: tuple[str, bytes]) -> list[Move]:
    memory = Memory()
    moves: list[Move] = []
    for port, message in messages:
        memory, more = moves_of(memory, port, Message.from_bytes(list(message)))
        moves.extend(more)
    return moves


def move(kind: Kind, number: int, value: int, largest: int, channel: int = 0) -> Move:
    return Move(Knob("knobs", channel, kind, number), value, largest)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (b"\xb0\x01\x00", move("cc", 1, 0, 127)),
        (b"\xb0\x01\x7f", move("cc", 1, 127, 127)),
        (b"\xbf\x01\x40", move("cc", 1, 64, 127, channel=15)),
        (b"\xb3\x1f\x7f", move("cc", 31, 127, 127, channel=3)),
        (b"\xb0\x4a\x05", move("cc", 74, 5, 127)),
        (b"\xe0\x00\x00", move("bend", 0, 0, 16383)),
        (b"\xe0\x00\x40", move("bend", 0, 8192, 16383)),
        (b"\xef\x7f\x7f", move("bend", 0, 16383, 16383, channel=15)),
    ],
)
def test_a_message_is_one_move(message: bytes, expected: Move) -> None:
    assert moved(message) == [expected]


@pytest.mark.parametrize(
    "message", [b"\x90\x01\x7f", b"\xc0\x01", b"\xf8", b"\xf0\x01\x02\xf7", b"\xb0\x20\x7f"]
)
def test_other_messages_move_nothing(message: bytes) -> None:
    assert moved(message) == []


@pytest.mark.parametrize(
    ("messages", "values"),
    [
        ([b"\xb0\x01\x7f", b"\xb0\x21\x7f"], [(127, 127), (16383, 16383)]),
        ([b"\xb0\x01\x00", b"\xb0\x21\x00"], [(0, 127), (0, 16383)]),
        ([b"\xb0\x01\x40", b"\xb0\x21\x01"], [(64, 127), (64 * 128 + 1, 16383)]),
        ([b"\xb0\x21\x7f", b"\xb0\x01\x7f"], [(16383, 16383)]),
        (
            [b"\xb0\x01\x40", b"\xb0\x21\x10", b"\xb0\x01\x41"],
            [(64, 127), (64 * 128 + 16, 16383), (65 * 128 + 16, 16383)],
        ),
        ([b"\xb0\x01\x7f", b"\xb1\x21\x00", b"\xb0\x01\x7f"], [(127, 127), (127, 127)]),
    ],
    ids=["top", "bottom", "between", "low half first", "high half alone", "another channel"],
)
def test_fourteen_bits_begin_with_the_first_low_half(
    messages: list[bytes], values: list[tuple[int, int]]
) -> None:
    assert moved(*messages) == [move("cc", 1, value, largest) for value, largest in values]


def test_each_knob_pairs_on_its_own() -> None:
    assert moved(b"\xb0\x10\x7f", b"\xb0\x30\x7f", b"\xb0\x11\x7f") == [
        move("cc", 16, 127, 127),
        move("cc", 16, 16383, 16383),
        move("cc", 17, 127, 127),
    ]


def test_each_port_pairs_on_its_own() -> None:
    moves = moved_from(("a", b"\xb0\x10\x7f"), ("b", b"\xb0\x30\x7f"), ("a", b"\xb0\x10\x7f"))
    assert moves == [Move(Knob("a", 0, "cc", 16), 127, 127)] * 2


@given(st.lists(st.tuples(st.sampled_from([1, 16, 31, 33, 48, 63]), st.integers(0, 127))))
def test_no_sequence_of_knobs_leaves_the_range(knobs: list[tuple[int, int]]) -> None:
    for one in moved(*[bytes((0xB0, number, value)) for number, value in knobs]):
        assert 0 <= one.position <= 1
