"""Positions of a knob and values of a control: there and back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.controls.table import control_table
from server.midi.decode.moves import Knob, Move
from server.midi.mappings.mapping import (
    CURVES,
    KnobPattern,
    MidiMapping,
    MidiMappingError,
    knob_position,
    position_of,
    value_at,
)

CONTROLS = control_table(style_dims=4).controls
CC = KnobPattern("knobs", 0, "cc", 7)


@pytest.mark.parametrize("invert", [False, True])
@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize(
    ("address", "low", "high"),
    [
        ("/latent/0", None, None),
        ("/latent/0", -1.0, 2.5),
        ("/walk/rate", None, None),
        ("/level", -30.0, None),
        ("/slice", 4.0, 7.0),
    ],
)
def test_both_ends_of_the_range_are_reached_exactly(
    address: str, low: float | None, high: float | None, curve: str, invert: bool
) -> None:
    control = CONTROLS[address]
    one = MidiMapping(address, CC, low, high, curve, invert)  # type: ignore[arg-type]
    ends = (control.minimum if low is None else low, control.maximum if high is None else high)
    reached = (value_at(one, control, 0.0), value_at(one, control, 1.0))
    assert reached == (ends[::-1] if invert else ends)


@given(
    st.floats(0, 1),
    st.sampled_from(CURVES),
    st.booleans(),
    st.sampled_from(["/latent/0", "/walk/rate", "/level"]),
)
def test_a_value_maps_back_to_the_knob_position(
    place: float, curve: str, invert: bool, address: str
) -> None:
    control = CONTROLS[address]
    one = MidiMapping(address, CC, curve=curve, invert=invert)  # type: ignore[arg-type]
    assert position_of(one, control, value_at(one, control, place)) == pytest.approx(
        place, abs=1e-6
    )


@pytest.mark.parametrize(
    ("curve", "place", "value"),
    [
        ("linear", 0.5, 5.005),
        ("exponential", 0.5, (0.01 * 10) ** 0.5),
        ("exponential", 1 / 3, 0.1),
        ("logarithmic", 0.5, 9.0),
    ],
)
def test_curves_map_positions_to_the_documented_values(
    curve: str, place: float, value: float
) -> None:
    one = MidiMapping("/walk/rate", CC, curve=curve)  # type: ignore[arg-type]
    assert value_at(one, CONTROLS["/walk/rate"], place) == pytest.approx(value, rel=1e-2)


def test_a_range_from_another_bundle_is_clipped_to_the_control() -> None:
    control = CONTROLS["/latent/0"]
    assert MidiMapping("/latent/0", CC, -10.0, 1.0).limits(control) == (-3.0, 1.0)
    assert MidiMapping("/latent/0", CC, 5.0, 9.0).limits(control) == (-3.0, 3.0)
    assert position_of(MidiMapping("/latent/0", CC, 0.0, 1.0), control, 3.0) == 1.0


@pytest.mark.parametrize(
    ("value", "place"), [(0, 0.0), (8192, 0.5), (16383, 1.0), (4096, 0.25), (12287, 0.75)]
)
def test_a_wheel_at_rest_is_exactly_in_the_middle(value: int, place: float) -> None:
    there = knob_position(Move(Knob("x", 0, "bend"), value, 16383))
    assert there == pytest.approx(place, abs=1e-4)
    if place in (0.0, 0.5, 1.0):
        assert there == place


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"curve": "cubic"}, "curve 'cubic'; allowed are linear, exponential, logarithmic"),
        ({"takeover": None}, "takeover None; allowed are jump, pick-up, scale"),
        ({"relative": "sometimes"}, "allowed are signed bit, signed bit 2, bin offset"),
        ({"low": float("nan")}, "low nan; allowed are finite numbers"),
        ({"high": float("inf")}, "high inf; allowed are finite numbers"),
        ({"low": 1.0, "high": 1.0}, "low 1 is not below high 1; invert turns a knob around"),
        ({"bits": 8}, "bits 8; allowed are 7, 14"),
        ({"bits": True}, "bits True"),
    ],
)
def test_an_invalid_mapping_is_refused(changes: dict[str, object], why: str) -> None:
    with pytest.raises(MidiMappingError, match=why):
        replace(MidiMapping("/interp", CC), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "knob", [("x", 0, "pedal", 1), ("x", 16, "cc", 1), ("x", 0, "cc", 128), ("x", 0, "bend", 1)]
)
def test_an_invalid_knob_is_refused(knob: tuple[str, int, str, int]) -> None:
    with pytest.raises(MidiMappingError, match="allowed are"):
        KnobPattern(*knob)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("knobs", "shown"),
    [
        (KnobPattern("Faderfox", 0, "cc", 16), "cc 16, channel 1, Faderfox"),
        (KnobPattern(None, None, "bend"), "bend, any channel, any port"),
        (KnobPattern("Keys", 9, "nrpn", 300), "nrpn 300, channel 10, Keys"),
    ],
)
def test_knobs_are_described_with_channels_counted_from_1(knobs: KnobPattern, shown: str) -> None:
    assert str(knobs) == shown
