"""Presets as file content, and preset names as performers type them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.presets.preset import MAX_NAME, Preset, PresetError, clean_name, content_of, parse

PRESET = Preset("x", "default", {"/pitch": 1.5, "/interp/curve": "linear"}, {"/pitch": 0.02}, 3)

ADDRESSES = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NUMBERS = st.floats(-1e9, 1e9) | st.integers(-(10**9), 10**9)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(10**400) | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
KEYS = ["name", "program", "bundle", "values", "glides"]


@given(
    st.builds(
        Preset,
        st.sampled_from(["x", "Verse / loud", "..", "\u00e9t\u00e9 \U0001f3b9", "CON", "a" * 100]),
        st.text(max_size=20),
        st.dictionaries(ADDRESSES, NUMBERS | ADDRESSES, max_size=5),
        st.dictionaries(ADDRESSES, NUMBERS, max_size=5),
        st.none() | st.integers(0, 127),
    )
)
def test_a_preset_survives_writing_and_reading(preset: Preset) -> None:
    assert parse(json.loads(json.dumps(content_of(preset)))) == preset


@given(st.dictionaries(st.sampled_from(KEYS) | st.text(), ANYTHING))
def test_any_file_content_is_a_preset_or_refused_in_one_line(content: dict[str, Any]) -> None:
    try:
        parse({"name": "x", **content})
    except ValueError as error:
        line = str(error)
    else:
        line = ""
    assert "\n" not in line


@pytest.mark.parametrize(
    "change",
    [
        {"name": None},
        {"name": ""},
        {"name": "two\nlines"},
        {"name": 5},
        {"program": 128},
        {"program": -1},
        {"program": True},
        {"program": 1.5},
        {"bundle": 1},
        {"values": []},
        {"values": {"/pitch": None}},
        {"values": {"/pitch": [1]}},
        {"values": {"/pitch": True}},
        {"values": {"/pitch": float("inf")}},
        {"values": {"/pitch": 10**400}},
        {"glides": {"/pitch": "slow"}},
        {"more": 1},
    ],
    ids=str,
)
def test_an_invalid_preset_is_refused_in_one_line(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]+$"):
        parse({**content_of(PRESET), **change})


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("Verse / loud", "Verse / loud"),
        ("  spaces ", "spaces"),
        ("../../etc/passwd", "../../etc/passwd"),
        ("e\u0301te\u0301", "\u00e9t\u00e9"),
        ("\U0001f468\u200d\U0001f3a4", "\U0001f468\u200d\U0001f3a4"),
        ("\u97f3\u697d", "\u97f3\u697d"),
        ("C:\\x?*", "C:\\x?*"),
        ("x" * MAX_NAME, "x" * MAX_NAME),
    ],
)
def test_a_name_is_kept_as_typed(typed: str, name: str) -> None:
    assert clean_name(typed) == name


@pytest.mark.parametrize("typed", ["", "  ", "a\0b", "a\nb", "\x1b[2J", "\ud800", "x" * 101])
def test_an_invalid_name_is_refused_in_one_line(typed: str) -> None:
    with pytest.raises(PresetError, match=r"^[ -~]+ is no name for a preset; [ -~]+$"):
        clean_name(typed)
