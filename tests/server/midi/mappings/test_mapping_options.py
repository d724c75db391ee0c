"""The options of a mapping, as OSC arguments."""

from __future__ import annotations

import pytest

from server.controls.replies import Argument
from server.controls.table import control_table
from server.midi.mappings.mapping import KnobPattern, MidiMapping, MidiMappingError
from server.midi.mappings.mapping_options import options_of, with_option

CONTROL = control_table(style_dims=4).controls["/latent/0"]
ONE = MidiMapping("/latent/0", KnobPattern("knobs", 0, "cc", 7))


@pytest.mark.parametrize(
    ("name", "value", "field", "becomes"),
    [
        ("takeover", "pick-up", "takeover", "pick-up"),
        ("curve", "logarithmic", "curve", "logarithmic"),
        ("low", -1, "low", -1.0),
        ("high", 2.5, "high", 2.5),
        ("invert", 1, "invert", True),
        ("invert", 0.0, "invert", False),
        ("relative", "2's complement", "relative", "2's complement"),
        ("relative", "off", "relative", None),
        ("feedback", 0, "feedback", False),
    ],
)
def test_an_option_is_set_and_reported(
    name: str, value: Argument, field: str, becomes: object
) -> None:
    changed = with_option(ONE, CONTROL, name, value)
    assert getattr(changed, field) == becomes
    told = options_of(changed, CONTROL)
    assert dict(zip(told[::2], told[1::2], strict=True))[name] == value


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("colour", "red", "'colour' is no option; allowed are takeover, low, high, curve"),
        ("takeover", "grab", "takeover 'grab'; allowed are jump, pick-up, scale"),
        ("takeover", 1, "takeover takes a word, not 1"),
        ("curve", 0.5, "curve takes a word"),
        ("low", -4, "low -4; allowed are -3 to 3"),
        ("high", float("nan"), "high nan; allowed are -3 to 3"),
        ("high", "top", "high 'top'; allowed are -3 to 3"),
        ("high", -3, "high -3 leaves no range"),
        ("invert", 2, "invert 2; allowed are 0 and 1"),
        ("invert", "yes", "invert 'yes'; allowed are 0 and 1"),
        ("relative", "gray code", "allowed are signed bit, signed bit 2"),
    ],
)
def test_an_invalid_option_is_refused_in_one_line(name: str, value: Argument, why: str) -> None:
    with pytest.raises(MidiMappingError, match=why) as caught:
        with_option(ONE, CONTROL, name, value)
    assert "\n" not in str(caught.value)


def test_a_range_must_not_be_empty() -> None:
    low = with_option(ONE, CONTROL, "low", 1.0)
    with pytest.raises(MidiMappingError, match=r"low 1 is not below high 0\.5"):
        with_option(low, CONTROL, "high", 0.5)
