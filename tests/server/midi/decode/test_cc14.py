"""Knobs of 7 and 14 bits, as their MSBs and LSBs come."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.server.midi.bytes import cc, move, moved

MSB, LSB = 1, 33


@pytest.mark.parametrize(
    ("pairs", "values"),
    [
        ([(MSB, 127), (LSB, 127)], [(127, 127), (16383, 16383)]),
        ([(MSB, 0), (LSB, 0)], [(0, 127), (0, 16383)]),
        ([(MSB, 64), (LSB, 1)], [(64, 127), (64 * 128 + 1, 16383)]),
        (
            [(MSB, 64), (LSB, 16), (MSB, 65)],
            [(64, 127), (64 * 128 + 16, 16383), (65 * 128 + 16, 16383)],
        ),
        (
            [(MSB, 64), (LSB, 16), (LSB, 17)],
            [(64, 127), (64 * 128 + 16, 16383), (64 * 128 + 17, 16383)],
        ),
        ([(MSB, 127), (MSB, 126), (MSB, 127)], [(127, 127), (126, 127), (127, 127)]),
    ],
    ids=["top", "bottom", "between", "MSB after", "LSB alone after", "MSB alone"],
)
def test_fourteen_bits_begin_with_the_first_lsb(
    pairs: list[tuple[int, int]], values: list[tuple[int, int]]
) -> None:
    messages = [message for control, value in pairs for message in cc(control, value)]
    assert moved(*messages) == [move("cc", MSB, value, largest) for value, largest in values]


def test_an_lsb_that_comes_first_counts() -> None:
    assert moved(*cc(LSB, 127), *cc(MSB, 127))[1:] == [move("cc", MSB, 16383, 16383)]


def test_a_button_where_lsbs_are_is_a_button() -> None:
    """As on controllers with knobs at 16-23 and buttons at 48-55."""
    assert moved(*cc(16, 5), *cc(17, 6), *cc(48, 127, 0), *cc(17, 7), *cc(16, 8)) == [
        move("cc", 16, 5),
        move("cc", 17, 6),
        move("cc", 48, 127),
        move("cc", 48, 0),
        move("cc", 17, 7),
        move("cc", 16, 8),
    ]


def test_a_knob_mistaken_for_14_bits_reaches_its_top_again() -> None:
    moves = moved(*cc(48, 127, 0), *cc(16, 1, 2, 3, 4, 5, 127))
    assert [one.largest for one in moves] == [127, 127, 16383, 16383, 16383, 16383, 127, 127]
    assert moves[-1] == move("cc", 16, 127)


def test_each_knob_pairs_its_halves_separately() -> None:
    assert moved(*cc(16, 127), *cc(48, 127), *cc(17, 127)) == [
        move("cc", 16, 127),
        move("cc", 16, 16383, 16383),
        move("cc", 17, 127),
    ]


def test_each_channel_pairs_its_halves_separately() -> None:
    assert moved(*cc(MSB, 127), *cc(LSB, 0, channel=1), *cc(MSB, 127)) == [
        move("cc", MSB, 127),
        move("cc", LSB, 0, channel=1),
        move("cc", MSB, 127),
    ]


@given(st.lists(st.integers(0, 16383), min_size=1))
def test_the_values_of_a_14_bit_knob_are_decoded_exactly(values: list[int]) -> None:
    messages = [m for value in values for m in (*cc(20, value >> 7), *cc(52, value & 127))]
    assert [one.value for one in moved(*messages)[1::2]] == values
