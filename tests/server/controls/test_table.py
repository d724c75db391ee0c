"""The control table and everything derived from it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from server.controls import events
from server.controls.control import Control, ControlError, ControlTable
from server.controls.lists import listing, markdown_table
from server.controls.table import control_table

TABLE = control_table(style_dims=20, band_edges_hz=(30, 300, 3000))


DECK_CONTROLS = ("detail", "hear", "progress", "load", "capture", "cancel", "style", "bypass")


def test_the_table_has_exactly_the_documented_addresses() -> None:
    latents = {f"/latent/{index}" for index in range(20)}
    assert set(TABLE.controls) == latents | {
        "/interp",
        "/interp/style",
        "/interp/structure",
        "/interp/xy",
        "/interp/y",
        "/interp/curve",
        "/interp/align",
        "/detail",
        "/detail/between",
        "/structure/0",
        "/structure/1",
        "/latent",
        "/generate",
        "/generate/temperature",
        *(f"/deck/{deck}/{what}" for deck in "abcd" for what in DECK_CONTROLS),
        "/play",
        "/stop",
        "/gesture/max",
        "/gesture/flatten",
        "/gesture/random",
        "/gesture/reset",
        "/walk",
        "/walk/rate",
        "/motion/record",
        "/motion/play",
        "/motion/clear",
        "/glide",
        "/nudge",
        "/beat",
        "/speed",
        "/pitch",
        "/freeze",
        "/position",
        "/loop",
        "/loop/start",
        "/loop/end",
        "/slice",
        "/note",
        "/note/keys",
        "/tempo",
        "/tempo/tap",
        "/clock",
        "/level",
        "/mute",
        "/panic",
        *(f"/midi/{verb}" for verb in ("learn", "forget", "maps", "map")),
        *(f"/preset/{verb}" for verb in ("save", "load", "morph", "list", "delete")),
        "/cue",
        "/cue/level",
        "/output",
        "/record/start",
        "/record/stop",
        "/record",
        "/score/record",
        "/score/stop",
        "/status",
        "/version",
        "/sync",
        "/notify",
        "/dump",
        "/wek/outputs",
        "/model/load",
        "/quit",
    }


@pytest.mark.parametrize(
    ("address", "minimum", "maximum", "default"),
    [
        ("/interp", 0, 1, 0),
        ("/interp/style", 0, 1, 0),
        ("/interp/structure", 0, 1, 0),
        ("/latent", -3, 3, 0),
        ("/latent/19", -3, 3, 0),
        ("/level", -60, 6, -12),
        ("/mute", 0, 1, 0),
        ("/speed", -4, 4, 1),
        ("/freeze", 0, 1, 0),
        ("/position", 0, 1, 0),
        ("/loop/start", 0, 1, 0),
        ("/loop/end", 0, 1, 1),
        ("/slice", 0, 15, 0),
    ],
)
def test_ranges_are_those_of_the_contract(
    address: str, minimum: float, maximum: float, default: float
) -> None:
    control = TABLE.controls[address]
    assert (control.minimum, control.maximum) == (minimum, maximum)
    assert {TABLE.defaults[slot] for slot in TABLE.slots[address]} == {default}


def test_defaults_are_within_their_ranges() -> None:
    for control in TABLE.values:
        assert control.minimum is not None and control.maximum is not None
        is_within = control.minimum <= control.default <= control.maximum
        assert is_within or control.default in control.also


def test_the_vector_of_values_has_one_slot_for_each_value() -> None:
    own = [slot for control in TABLE.values for slot in TABLE.slots[control.address]]
    assert own == list(range(len(TABLE.defaults)))
    assert len(TABLE.smoothing_s) == len(TABLE.defaults)


def test_shortcuts_point_at_the_slots_of_the_values_they_move() -> None:
    assert TABLE.slots["/interp"] == (
        *TABLE.slots["/interp/style"],
        *TABLE.slots["/interp/structure"],
    )
    singles = tuple(TABLE.slots[f"/latent/{index}"][0] for index in range(20))
    assert TABLE.slots["/latent"] == singles


def test_commands_hold_no_value() -> None:
    commands = {c.address for c in TABLE.controls.values() if c.command}
    assert commands.isdisjoint(TABLE.slots)
    assert TABLE.controls["/play"].command is events.Play


@pytest.mark.parametrize(("dims", "last"), [(8, 23), (16, 31), (20, 31)])
def test_default_control_changes_are_those_of_the_contract(dims: int, last: int) -> None:
    ccs = control_table(dims).midi_ccs
    assert {cc: control.address for cc, control in ccs.items()} == {
        1: "/interp",
        **{cc: f"/latent/{cc - 16}" for cc in range(16, last + 1)},
    }


@pytest.mark.parametrize("dims", [0, -1, 10**6])
def test_a_table_without_sensible_dimensions_is_refused(dims: int) -> None:
    with pytest.raises(ControlError, match="style dimensions"):
        control_table(dims)


VALUE = Control(name="x", address="/x", types="f", description="")


@pytest.mark.parametrize(
    "rows",
    [
        (VALUE, VALUE),
        (replace(VALUE, moves=("/nowhere",)),),
        (
            replace(VALUE, minimum=0, maximum=1, midi=True, midi_ccs=(1,)),
            replace(VALUE, address="/y", minimum=0, maximum=1, midi=True, midi_ccs=(1,)),
        ),
    ],
    ids=["one address twice", "moves an unknown address", "one control change twice"],
)
def test_an_inconsistent_table_is_refused(rows: tuple[Control, ...]) -> None:
    with pytest.raises(ControlError):
        ControlTable(rows)


@pytest.mark.parametrize(
    "fields",
    [
        {"address": "/x/{}"},
        {"members": ("a",)},
        {"midi": True},
        {"midi_ccs": (1,)},
        {"types": ""},
    ],
)
def test_an_inconsistent_row_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ControlError):
        replace(VALUE, **fields)  # type: ignore[arg-type]


def test_the_markdown_table_has_one_line_for_each_row() -> None:
    lines = markdown_table(16).splitlines()
    assert len(lines) == 2 + len(control_table(16, ("slug",), (30, 300)).rows)
    assert {line.count("|") for line in lines} == {6}
    assert any(line.startswith("| `/wek/outputs` | f... |") for line in lines)
    (latent,) = (line for line in lines if line.startswith("| `/latent/"))
    assert latent == (
        "| `/latent/{0..15}` | f -3..3 spreads | 0 spreads | CC16-31 "
        "| Offset of one style dimension |"
    )


def test_the_list_of_controls_names_every_row() -> None:
    text = listing(TABLE)
    assert len(text.splitlines()) == len(TABLE.rows)
    assert "/deck/{a,b,c,d}/load" in text and "f... -3..3 spreads" in text and "CC1 " in text


NAMED = control_table(4, ("brightness", None, "attack-2", None))


def test_a_name_is_a_second_address_of_its_dimension() -> None:
    assert NAMED.slots["/named/brightness"] == NAMED.slots["/latent/0"]
    assert NAMED.slots["/named/attack-2"] == NAMED.slots["/latent/2"]
    control = NAMED.controls["/named/attack-2"]
    assert (control.minimum, control.maximum, control.midi) == (-3, 3, True)
    assert len(NAMED.defaults) == len(control_table(4).defaults)
    assert [a for a in NAMED.controls if a.startswith("/named")] == [
        "/named/brightness",
        "/named/attack-2",
    ]


def test_without_names_there_are_no_named_controls() -> None:
    assert not any(address.startswith("/named") for address in TABLE.controls)
    assert control_table(4, (None,) * 4).rows == control_table(4).rows


def test_the_same_name_for_two_dimensions_is_refused() -> None:
    with pytest.raises(ControlError, match="one address"):
        control_table(4, ("attack", "attack"))


def test_the_list_of_controls_gives_every_name() -> None:
    names = ("brightness", "loudness", "pitch", "attack", "density")
    assert "/named/{brightness,loudness,pitch,attack,density}" in listing(control_table(8, names))
    assert "| `/named/{slug}` | f -3..3 spreads |" in markdown_table()
