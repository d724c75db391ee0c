"""The mapping that acts for a knob: learned, default, disabled."""

from __future__ import annotations

from dataclasses import replace

from server.controls.table import control_table
from server.midi.decode.moves import Knob
from server.midi.mappings.mapping import KnobPattern, MidiMapping
from server.midi.mappings.mapping_table import MappingTable, with_default_range

CONTROLS = control_table(style_dims=16)
TABLE = MappingTable().with_defaults(CONTROLS)
WHEEL = Knob("keys", 0, "cc", 1)
LEVEL = MidiMapping("/level", KnobPattern("keys", 0, "cc", 1))


def addresses(table: MappingTable, knob: Knob) -> list[str]:
    return [one.address for one in table.of_knob(knob)]


def test_knobs_do_something_without_being_learned() -> None:
    assert addresses(TABLE, WHEEL) == ["/interp"]
    assert addresses(TABLE, Knob("any", 15, "cc", 31)) == ["/latent/15"]
    (bend,) = TABLE.of_knob(Knob("any", 3, "bend"))
    assert (bend.address, bend.low, bend.high) == ("/speed", 0.0, 2.0)


def test_a_learned_mapping_replaces_the_default_of_that_knob_only() -> None:
    table = TABLE.with_learned(LEVEL)
    assert addresses(table, WHEEL) == ["/level"]
    assert addresses(table, replace(WHEEL, channel=1)) == ["/interp"]
    assert addresses(table, replace(WHEEL, port="pads")) == ["/interp"]
    assert addresses(table.without("/level"), WHEEL) == ["/interp"]


def test_one_knob_can_move_several_controls_and_several_knobs_one_control() -> None:
    other = MidiMapping("/level", KnobPattern("keys", 0, "cc", 7))
    table = (
        TABLE.with_learned(LEVEL)
        .with_learned(MidiMapping("/walk", LEVEL.pattern))
        .with_learned(other)
    )
    assert addresses(table, WHEEL) == ["/level", "/walk"]
    assert table.of_address("/level") == (LEVEL, other)


def test_learning_again_replaces_the_mapping() -> None:
    again = replace(LEVEL, takeover="scale")
    assert TABLE.with_learned(LEVEL).with_learned(again).learned == (again,)


def test_forgotten_nothing_moves_it_not_even_its_default_knob() -> None:
    table = TABLE.without("/interp")
    assert addresses(table, WHEEL) == [] and table.of_address("/interp") == ()
    assert addresses(table.with_defaults(CONTROLS), WHEEL) == []


def test_what_was_learned_is_forgotten_before_the_default() -> None:
    mine = MidiMapping("/interp", KnobPattern("pads", 0, "cc", 9))
    once = TABLE.with_learned(mine).without("/interp")
    assert addresses(once, WHEEL) == ["/interp"]
    assert addresses(once.without("/interp"), WHEEL) == []


def test_a_default_that_is_changed_is_learned() -> None:
    (default,) = TABLE.of_address("/interp")
    slow = replace(default, takeover="pick-up")
    table = TABLE.with_changed(default, slow)
    assert table.learned == (slow,) and table.of_knob(WHEEL) == (slow,)
    assert table.with_changed(slow, default).learned == (default,)


def test_mappings_to_controls_that_another_model_lacks_are_kept() -> None:
    mine = MidiMapping("/latent/15", KnobPattern("keys", 0, "cc", 9))
    small = TABLE.with_learned(mine).with_defaults(control_table(style_dims=2))
    assert addresses(small, Knob("keys", 0, "cc", 31)) == []
    assert addresses(small.with_defaults(CONTROLS), Knob("keys", 0, "cc", 9)) == ["/latent/15"]


def test_controls_in_hertz_get_an_exponential_curve_and_a_wheel_its_usual_range() -> None:
    rate = with_default_range(MidiMapping("/walk/rate", LEVEL.pattern), CONTROLS)
    assert rate.curve == "exponential"
    assert with_default_range(LEVEL, CONTROLS) == LEVEL
    speed = with_default_range(MidiMapping("/speed", KnobPattern("keys", 0, "bend")), CONTROLS)
    assert (speed.low, speed.high) == (0.0, 2.0)
