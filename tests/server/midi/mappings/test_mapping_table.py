"""The mapping table: the mappings in force for each knob."""

from __future__ import annotations

from dataclasses import replace

from server.controls.table import control_table
from server.midi.decode.moves import Knob
from server.midi.mappings.mapping import KnobPattern, MidiMap
from server.midi.mappings.mapping_table import MappingTable, ranged

TABLE = control_table(style_dims=16)
BOOK = MappingTable().over(TABLE)
WHEEL = Knob("keys", 0, "cc", 1)
LEVEL = MidiMap("/level", KnobPattern("keys", 0, "cc", 1))


def addresses(book: MappingTable, knob: Knob) -> list[str]:
    return [one.address for one in book.of_knob(knob)]


def test_knobs_have_default_mappings() -> None:
    assert addresses(BOOK, WHEEL) == ["/interp"]
    assert addresses(BOOK, Knob("any", 15, "cc", 31)) == ["/latent/15"]
    (bend,) = BOOK.of_knob(Knob("any", 3, "bend"))
    assert (bend.address, bend.low, bend.high) == ("/speed", 0.0, 2.0)


def test_a_learned_mapping_replaces_the_default_of_that_knob_only() -> None:
    book = BOOK.taught(LEVEL)
    assert addresses(book, WHEEL) == ["/level"]
    assert addresses(book, replace(WHEEL, channel=1)) == ["/interp"]
    assert addresses(book, replace(WHEEL, port="pads")) == ["/interp"]
    assert addresses(book.without("/level"), WHEEL) == ["/interp"]


def test_one_knob_can_move_several_controls_and_several_knobs_one_control() -> None:
    other = MidiMap("/level", KnobPattern("keys", 0, "cc", 7))
    book = BOOK.taught(LEVEL).taught(MidiMap("/walk", LEVEL.knobs)).taught(other)
    assert addresses(book, WHEEL) == ["/level", "/walk"]
    assert book.of_address("/level") == (LEVEL, other)


def test_learning_again_replaces_the_mapping() -> None:
    again = replace(LEVEL, takeover="scale")
    assert BOOK.taught(LEVEL).taught(again).learned == (again,)


def test_forgetting_a_control_also_removes_its_default_knob() -> None:
    book = BOOK.without("/interp")
    assert addresses(book, WHEEL) == [] and book.of_address("/interp") == ()
    assert addresses(book.over(TABLE), WHEEL) == []


def test_a_learned_mapping_is_forgotten_before_the_default_one() -> None:
    mine = MidiMap("/interp", KnobPattern("pads", 0, "cc", 9))
    once = BOOK.taught(mine).without("/interp")
    assert addresses(once, WHEEL) == ["/interp"]
    assert addresses(once.without("/interp"), WHEEL) == []


def test_changing_a_default_mapping_makes_it_a_learned_one() -> None:
    (usual,) = BOOK.of_address("/interp")
    slow = replace(usual, takeover="pick-up")
    book = BOOK.changed(usual, slow)
    assert book.learned == (slow,) and book.of_knob(WHEEL) == (slow,)
    assert book.changed(slow, usual).learned == (usual,)


def test_mappings_to_controls_that_another_model_lacks_are_kept() -> None:
    mine = MidiMap("/latent/15", KnobPattern("keys", 0, "cc", 9))
    small = BOOK.taught(mine).over(control_table(style_dims=2))
    assert addresses(small, Knob("keys", 0, "cc", 31)) == []
    assert addresses(small.over(TABLE), Knob("keys", 0, "cc", 9)) == ["/latent/15"]


def test_controls_in_hertz_get_an_exponential_curve_and_a_wheel_its_usual_range() -> None:
    assert ranged(MidiMap("/walk/rate", LEVEL.knobs), TABLE).curve == "exponential"
    assert ranged(LEVEL, TABLE) == LEVEL
    speed = ranged(MidiMap("/speed", KnobPattern("keys", 0, "bend")), TABLE)
    assert (speed.low, speed.high) == (0.0, 2.0)
