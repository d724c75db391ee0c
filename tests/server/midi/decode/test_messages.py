"""MIDI bytes become moves: tables of bytes as they come over the wire."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mido import Message

from server.midi.decode.messages import DecoderState, moves_of, newest, released
from server.midi.decode.moves import Knob, Move
from tests.server.midi.bytes import cc, move, moved


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (b"\xb0\x01\x00", move("cc", 1, 0)),
        (b"\xb0\x01\x7f", move("cc", 1, 127)),
        (b"\xbf\x01\x40", move("cc", 1, 64, channel=15)),
        (b"\xb3\x1f\x7f", move("cc", 31, 127, channel=3)),
        (b"\xb0\x21\x05", move("cc", 33, 5)),
        (b"\xb0\x4a\x05", move("cc", 74, 5)),
        (b"\xb0\x06\x05", move("cc", 6, 5)),
        (b"\xb0\x60\x05", move("cc", 96, 5)),
        (b"\xe0\x00\x00", move("bend", 0, 0, 16383)),
        (b"\xe0\x00\x40", move("bend", 0, 8192, 16383)),
        (b"\xef\x7f\x7f", move("bend", 0, 16383, 16383, channel=15)),
        (b"\xd2\x7f", move("pressure", 0, 127, channel=2)),
        (b"\xd0\x00", move("pressure", 0, 0)),
        (b"\xa1\x3c\x40", move("poly", 60, 64, channel=1)),
        (b"\x90\x24\x7f", move("velocity", 36, 127)),
        (b"\x95\x24\x00", move("velocity", 36, 0, channel=5)),
        (b"\x80\x24\x40", move("velocity", 36, 0)),
        (b"\xc4\x11", move("program", 0, 17, channel=4)),
    ],
)
def test_a_message_becomes_one_move(message: bytes, expected: Move) -> None:
    assert moved(message) == [expected]


@pytest.mark.parametrize(
    "message",
    [b"\xf8", b"\xfa", b"\xf2\x01\x01", b"\xf0\x01\x02\xf7", b"\xf6", b"\xfe"]
    + [bytes((0xB0, control, 0)) for control in (98, 99, 100, 101, *range(120, 128))],
)
def test_other_messages_move_nothing(message: bytes) -> None:
    assert moved(message) == []


@given(st.lists(st.binary(min_size=1, max_size=3)))
def test_moves_stay_in_range_for_any_sequence_of_messages(messages: list[bytes]) -> None:
    memory = DecoderState()
    for data in messages:
        try:
            message = Message.from_bytes(list(data))
        except (ValueError, LookupError):
            continue
        memory, moves = moves_of(memory, "knobs", message)
        assert all(0 <= one.value <= one.largest for one in moves)


@pytest.mark.parametrize("mode", [120, 123], ids=["all sound off", "all notes off"])
def test_all_notes_off_releases_the_held_notes_of_its_channel(mode: int) -> None:
    held = [b"\x90\x24\x7f", b"\x90\x26\x7f", b"\x90\x24\x00", b"\x91\x28\x7f"]
    assert moved(*held, *cc(mode, 0))[4:] == [move("velocity", 38, 0)]


def test_reset_all_controllers_deselects_the_parameter() -> None:
    selected = [*cc(99, 1), *cc(98, 1), *cc(121, 0)]
    assert moved(*selected, *cc(6, 5)) == [move("cc", 6, 5)]


def test_held_notes_are_released_once() -> None:
    memory, _ = moves_of(DecoderState(), "x", Message("note_on", note=40, velocity=5, channel=2))
    memory, moves = released(memory, "x")
    assert list(moves) == [Move(Knob("x", 2, "velocity", 40), 0, 127)]
    assert released(memory, "x") == (memory, [])


def test_only_the_newest_of_simultaneous_moves_is_kept_except_keys_and_steps() -> None:
    bends = [move("bend", 0, value, 16383) for value in (1, 2, 3)]
    knobs = [move("cc", 1, value) for value in (1, 1)]
    wide = [move("cc", 2, value, 16383) for value in (7, 8)]
    other = move("bend", 0, 9, 16383, channel=1)
    steps = [Move(Knob("knobs", 0, "nrpn", 1), 128, 16383, 1)] * 2
    key = move("velocity", 60, 100)
    came = [bends[0], other, bends[1], *knobs, *wide, key, key, *steps, bends[2], bends[2]]
    assert newest(came) == (other, bends[1], *knobs, wide[1], key, key, *steps, bends[2])
