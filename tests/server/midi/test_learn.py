"""Detection of the knob that is meant: tables of what controllers send while one is turned."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.midi.decode.moves import Kind, Knob, Move
from server.midi.learn import KnobDetector, LearnedKnob, Sends

KNOB = Knob("knobs", 0, "cc", 16)
OTHER = Knob("knobs", 0, "cc", 17)


def detected(
    *values: int, knob: Knob = KNOB, largest: int = 127, sends: Sends = None
) -> tuple[LearnedKnob | None, int]:
    """The knob that is found, and after how many moves."""
    detector = KnobDetector(sends)
    for count, value in enumerate(values, 1):
        if found := detector.take(Move(knob, value, largest)):
            return found, count
    return None, len(values)


@pytest.mark.parametrize(
    ("values", "count"),
    [
        ([10, 14, 18, 22, 26], 5),
        ([3, 2, 1, 0, 10, 20], 6),
        ([0, 127], 2),
        ([127, 0], 2),
        ([64, 65, 66, 68, 74, 80], 6),
        ([20, 60, 100, 127], 4),
        ([100, 100, 96, 92, 88, 84], 6),
    ],
    ids=["knob", "down and up", "button", "let go", "slowly", "fader", "one place twice"],
)
def test_a_turned_knob_is_found(values: list[int], count: int) -> None:
    assert detected(*values) == (LearnedKnob(KNOB, None, 7), count)


@pytest.mark.parametrize(
    "values",
    [
        [64, 65] * 100,
        [0, 1, 2, 1] * 50,
        [126, 127] * 100,
        [0],
        [127] * 15,
        [64] * 100,
        [40, 42, 44, 46, 48, 50],
        [0, 0, 0, 0],
    ],
    ids=["jitter", "at the bottom", "at the top", "once", "held", "still", "too little", "zero"],
)
def test_noise_is_not_taken_for_a_turned_knob(values: list[int]) -> None:
    assert detected(*values)[0] is None


@pytest.mark.parametrize(
    ("values", "coding"),
    [
        ([1] * 6 + [127] * 6, "2's complement"),
        ([1, 1, 2, 4, 2, 1, 1, 126, 127, 127], "2's complement"),
        ([1] * 20, "2's complement"),
        ([127] * 20, "2's complement"),
        ([1] * 6 + [65] * 6, "signed bit"),
        ([65] * 6 + [1] * 6, "signed bit 2"),
        ([65] * 6 + [63] * 6, "bin offset"),
        ([65, 66, 66, 68, 66, 65, 65, 63, 62, 62, 63], "bin offset"),
        ([63] * 20, "bin offset"),
    ],
)
def test_an_encoder_is_found_with_its_coding(values: list[int], coding: str) -> None:
    found, _ = detected(*values)
    assert found is not None and (found.knob, found.relative) == (KNOB, coding)


@pytest.mark.parametrize(
    ("sends", "values", "relative"),
    [
        ("signed bit", [1] * 8, "signed bit"),
        ("bin offset", [63] * 4 + [65] * 4, "bin offset"),
        ("absolute", [1, 1, 1, 5, 9, 30], None),
    ],
)
def test_a_given_coding_is_not_guessed(
    sends: Sends, values: list[int], relative: str | None
) -> None:
    assert detected(*values, sends=sends) == (LearnedKnob(KNOB, relative, 7), len(values))


def test_a_jittering_knob_is_not_taken_for_the_turned_one() -> None:
    detector = KnobDetector()
    for step in range(40):
        assert detector.take(Move(OTHER, 63 + step % 3, 127)) is None
        if found := detector.take(Move(KNOB, 3 * step, 127)):
            break
    assert found == LearnedKnob(KNOB, None, 7)


def test_a_14_bit_knob_is_learned_with_14_bits() -> None:
    detector = KnobDetector()
    assert detector.take(Move(KNOB, 10, 127)) is None
    found = None
    for value in range(1280, 4000, 8):
        found = found or detector.take(Move(KNOB, value, 16383))
    assert found == LearnedKnob(KNOB, None, 14)


@pytest.mark.parametrize("kind", ["nrpn", "rpn", "bend", "pressure"])
def test_other_kinds_of_knobs_are_learned_too(kind: Kind) -> None:
    knob = Knob("keys", 2, kind)
    largest = 127 if kind == "pressure" else 16383
    values = [largest * n // 20 for n in (10, 11, 12, 14, 16)]
    assert detected(*values, knob=knob, largest=largest)[0] == LearnedKnob(
        knob, None, 7 if largest == 127 else 14
    )


def test_a_pad_is_learned_by_pressing_it_and_a_program_is_not_learned() -> None:
    pad = Knob("pads", 9, "velocity", 36)
    assert detected(80, 0, knob=pad) == (LearnedKnob(pad, None, 7), 2)
    assert detected(*range(0, 127, 5), knob=Knob("pads", 9, "program"))[0] is None


@given(st.lists(st.tuples(st.sampled_from([KNOB, OTHER]), st.integers(0, 127)), max_size=200))
def test_only_a_moved_knob_is_ever_found(moves: list[tuple[Knob, int]]) -> None:
    detector = KnobDetector()
    for knob, value in moves:
        found = detector.take(Move(knob, value, 127))
        assert found is None or found.knob == knob


def test_learning_reports_the_ports_with_moves() -> None:
    detector = KnobDetector()
    detector.take(Move(KNOB, 1, 127))
    assert detector.ports == {"knobs"}
