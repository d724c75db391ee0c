"""RPN and NRPN: bytes as DAWs and controllers send them, and the values they mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.midi.decode.moves import Kind, Knob, Move
from server.midi.decode.parameters import MAX_VALUES, ParameterKind
from tests.server.midi.bytes import cc, move, moved


def select(kind: ParameterKind, number: int, channel: int = 0) -> list[bytes]:
    high, low = (99, 98) if kind == "nrpn" else (101, 100)
    return [
        *cc(high, number >> 7, channel=channel),
        *cc(low, number & 127, channel=channel),
    ]


@pytest.mark.parametrize("kind", ["nrpn", "rpn"])
@pytest.mark.parametrize("number", [0, 1, 127, 128, 5000, 16382])
def test_data_entry_sets_the_selected_parameter(kind: ParameterKind, number: int) -> None:
    entered = [*cc(6, 64), *cc(38, 1), *cc(6, 127), *cc(38, 127)]
    assert moved(*select(kind, number), *entered) == [
        move(kind, number, 64),
        move(kind, number, 64 * 128 + 1, 16383),
        move(kind, number, 127 * 128 + 1, 16383),
        move(kind, number, 16383, 16383),
    ]


def test_the_selected_parameter_stays_selected() -> None:
    assert moved(*select("nrpn", 300), *cc(6, 1, 2), *cc(1, 5), *cc(6, 3)) == [
        move("nrpn", 300, 1),
        move("nrpn", 300, 2),
        move("cc", 1, 5),
        move("nrpn", 300, 3),
    ]


def test_the_last_selected_kind_wins() -> None:
    both = [*select("nrpn", 300), *select("rpn", 2)]
    assert moved(*both, *cc(6, 1), *cc(98, 45), *cc(6, 2)) == [
        move("rpn", 2, 1),
        move("nrpn", 2 * 128 + 45, 2),
    ]


@pytest.mark.parametrize("null", ["nrpn", "rpn"])
@pytest.mark.parametrize("kind", ["nrpn", "rpn"])
def test_after_the_null_parameter_data_entry_is_a_plain_knob(
    kind: ParameterKind, null: ParameterKind
) -> None:
    assert moved(*select(kind, 5), *select(null, 16383), *cc(6, 9), *cc(96, 0)) == [
        move("cc", 6, 9),
        move("cc", 96, 0),
    ]


@pytest.mark.parametrize("half", [98, 99, 100, 101])
def test_half_a_parameter_number_selects_nothing(half: int) -> None:
    assert moved(*cc(half, 3), *cc(6, 9)) == [move("cc", 6, 9)]


def test_each_channel_selects_its_own_parameter() -> None:
    assert moved(*select("nrpn", 5), *cc(6, 9, channel=1), *cc(6, 8)) == [
        move("cc", 6, 9, channel=1),
        move("nrpn", 5, 8),
    ]


def step(kind: Kind, number: int, value: int, largest: int, steps: int) -> Move:
    return Move(Knob("knobs", 0, kind, number), value, largest, steps)


def test_steps_start_from_the_entered_value_and_stay_in_range() -> None:
    entered = [*select("nrpn", 5), *cc(6, 126), *cc(96, 0, 99, 0), *cc(97, 1)]
    assert moved(*entered) == [
        move("nrpn", 5, 126),
        step("nrpn", 5, 127, 127, 1),
        step("nrpn", 5, 127, 127, 1),
        step("nrpn", 5, 127, 127, 1),
        step("nrpn", 5, 126, 127, -1),
    ]


def test_14_bit_steps_are_a_128th_of_the_range() -> None:
    entered = [*select("rpn", 1), *cc(6, 1), *cc(38, 5), *cc(97, 0, 0), *cc(96, 0)]
    assert moved(*entered)[2:] == [
        step("rpn", 1, 5, 16383, -1),
        step("rpn", 1, 0, 16383, -1),
        step("rpn", 1, 128, 16383, 1),
    ]


def test_steps_of_a_parameter_never_entered_begin_at_the_bottom() -> None:
    assert moved(*select("nrpn", 7), *cc(96, 0)) == [step("nrpn", 7, 1, 127, 1)]


@given(st.lists(st.tuples(st.sampled_from([6, 38, 96, 97, 98, 99, 100, 101]), st.integers(0, 127))))
def test_values_stay_in_range_for_any_sequence(sent: list[tuple[int, int]]) -> None:
    for one in moved(*[message for control, value in sent for message in cc(control, value)]):
        assert 0 <= one.position <= 1


def test_more_parameters_than_are_remembered_still_work() -> None:
    sent = [m for n in range(3 * MAX_VALUES) for m in (*select("nrpn", n), *cc(6, 1), *cc(38, 1))]
    again = [*select("nrpn", 0), *cc(6, 2), *select("nrpn", 3 * MAX_VALUES - 1), *cc(6, 2)]
    assert moved(*sent, *again)[-2:] == [
        move("nrpn", 0, 2),
        move("nrpn", 3 * MAX_VALUES - 1, 2 * 128 + 1, 16383),
    ]
