"""MIDI bytes to events: tables of bytes, as they come over the wire."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mido import Message

from server.controls.control import Control, ControlTable
from server.controls.events import Event, SetControl
from server.controls.table import control_table
from server.midi.mapping import MidiState, events_of_midi

TABLE = control_table(style_dims=16)


def played(*messages: bytes, table: ControlTable = TABLE) -> list[Event]:
    state = MidiState()
    events: list[Event] = []
    for message in messages:
        state, more = events_of_midi(table, state, Message.from_bytes(list(message)))
        events.extend(more)
    return events


@pytest.mark.parametrize(
    ("message", "address", "value"),
    [
        (b"\xb0\x01\x00", "/interp", 0.0),
        (b"\xb0\x01\x7f", "/interp", 1.0),
        (b"\xb0\x01\x40", "/interp", 64 / 127),
        (b"\xbf\x01\x7f", "/interp", 1.0),
        (b"\xb0\x10\x00", "/latent/0", -3.0),
        (b"\xb0\x10\x7f", "/latent/0", 3.0),
        (b"\xb3\x1f\x7f", "/latent/15", 3.0),
        (b"\xb3\x1f\x00", "/latent/15", -3.0),
    ],
)
def test_seven_bits_reach_both_ends_exactly(message: bytes, address: str, value: float) -> None:
    assert played(message) == [SetControl(address, (value,))]


@pytest.mark.parametrize(
    "message",
    [
        b"\x90\x01\x7f",
        b"\xb0\x02\x7f",
        b"\xb0\x00\x7f",
        b"\xb0\x20\x7f",
        b"\xb0\x41\x7f",
        b"\xb0\x51\x7f",
        b"\xb0\x7b\x00",
        b"\xc0\x01",
        b"\xf8",
        b"\xf0\x01\x02\xf7",
    ],
)
def test_other_messages_move_nothing(message: bytes) -> None:
    assert played(message) == []


@pytest.mark.parametrize(
    ("messages", "values"),
    [
        ([b"\xb0\x01\x7f", b"\xb0\x21\x7f"], [1.0, 1.0]),
        ([b"\xb0\x01\x00", b"\xb0\x21\x00"], [0.0, 0.0]),
        ([b"\xb0\x01\x40", b"\xb0\x21\x01"], [64 / 127, (64 * 128 + 1) / 16383]),
        ([b"\xb0\x21\x7f", b"\xb0\x01\x7f"], [1.0]),
        (
            [b"\xb0\x01\x40", b"\xb0\x21\x10", b"\xb0\x01\x41"],
            [64 / 127, (64 * 128 + 16) / 16383, (65 * 128 + 16) / 16383],
        ),
        ([b"\xb0\x01\x7f", b"\xb1\x21\x00", b"\xb0\x01\x7f"], [1.0, 1.0]),
    ],
    ids=["top", "bottom", "between", "low half first", "high half alone", "another channel"],
)
def test_fourteen_bits_begin_with_the_first_low_half(
    messages: list[bytes], values: list[float]
) -> None:
    assert played(*messages) == [SetControl("/interp", (value,)) for value in values]


def test_each_knob_pairs_on_its_own() -> None:
    assert played(b"\xb0\x10\x7f", b"\xb0\x30\x7f", b"\xb0\x11\x7f") == [
        SetControl("/latent/0", (3.0,)),
        SetControl("/latent/0", (3.0,)),
        SetControl("/latent/1", (3.0,)),
    ]


@given(st.lists(st.tuples(st.sampled_from([1, 16, 31, 33, 48, 63]), st.integers(0, 127))))
def test_no_sequence_of_knobs_leaves_the_range(knobs: list[tuple[int, int]]) -> None:
    for event in played(*[bytes((0xB0, number, value)) for number, value in knobs]):
        assert isinstance(event, SetControl)
        control = TABLE.controls[event.address]
        assert control.minimum is not None and control.maximum is not None
        assert control.minimum <= event.values[0] <= control.maximum


@pytest.mark.parametrize(
    ("message", "speed"),
    [
        (b"\xe0\x00\x40", 1.0),
        (b"\xe0\x00\x00", 0.0),
        (b"\xef\x7f\x7f", 2.0),
        (b"\xe0\x00\x20", 0.5),
        (b"\xe0\x7f\x5f", 1.5),
    ],
    ids=["centre", "down", "up", "half down", "half up"],
)
def test_the_pitch_bend_wheel_is_the_speed_around_one(message: bytes, speed: float) -> None:
    (event,) = played(message)
    assert isinstance(event, SetControl)
    assert (event.address, event.values[0]) == ("/speed", pytest.approx(speed, abs=1e-3))
    if speed in (0.0, 1.0, 2.0):
        assert event.values[0] == speed


def test_a_switch_turns_at_the_middle() -> None:
    switch = Control(
        name="switch",
        address="/switch",
        types="i",
        description="",
        minimum=0,
        maximum=1,
        midi=True,
        midi_ccs=(64,),
    )
    moved = played(b"\xb0\x40\x3f", b"\xb0\x40\x40", table=ControlTable((switch,)))
    assert moved == [SetControl("/switch", (0.0,)), SetControl("/switch", (1.0,))]
