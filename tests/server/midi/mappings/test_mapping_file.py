"""The file of mappings: written, read, edited by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.midi.mappings.mapping import (
    CODINGS,
    CURVES,
    TAKEOVERS,
    KnobPattern,
    MidiMapping,
    MidiMappingError,
)
from server.midi.mappings.mapping_file import document_of, table_of
from server.midi.mappings.mapping_table import MappingTable

ENTRY = {"control": "/interp", "port": "knobs", "channel": 1, "kind": "cc", "number": 9}

MAPPINGS = st.builds(
    MidiMapping,
    address=st.sampled_from(["/interp", "/named/gone", "/latent/3"]),
    pattern=st.builds(
        KnobPattern,
        st.none() | st.text(max_size=20),
        st.none() | st.integers(0, 15),
        st.sampled_from(["cc", "nrpn"]),
        st.integers(0, 127),
    ),
    low=st.none() | st.floats(-3, 0),
    high=st.none() | st.floats(0.5, 3),
    curve=st.sampled_from(CURVES),
    invert=st.booleans(),
    takeover=st.sampled_from(TAKEOVERS),
    relative=st.none() | st.sampled_from(CODINGS),
    bits=st.sampled_from([7, 14]),
    feedback=st.booleans(),
)


@given(st.lists(MAPPINGS, max_size=5), st.lists(st.sampled_from(["/interp", "/speed"]), max_size=2))
def test_mappings_survive_writing_and_reading(
    mappings: list[MidiMapping], disabled: list[str]
) -> None:
    table = MappingTable(tuple(mappings), tuple(disabled))
    assert table_of(json.loads(json.dumps(document_of(table)))) == table


def test_an_entry_needs_only_a_knob_and_a_control() -> None:
    table = table_of({"maps": [{"control": "/level", "kind": "cc", "number": 7}]})
    assert table.learned == (MidiMapping("/level", KnobPattern(None, None, "cc", 7)),)
    assert table_of({}) == MappingTable()


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ({"map": []}, "'map'; allowed are maps, without usual knob"),
        ({"maps": {}}, "maps is no list"),
        ({"without usual knob": [1]}, "without usual knob is no list of addresses"),
        ({"maps": [7]}, "map 1: is no object"),
        ({"maps": [ENTRY, {**ENTRY, "channel": 0}]}, "map 2: channel 0; allowed are 1 to 16"),
        ({"maps": [{**ENTRY, "channel": True}]}, "channel True"),
        ({"maps": [{**ENTRY, "kind": "pedal"}]}, "kind 'pedal'; allowed are cc"),
        ({"maps": [{**ENTRY, "kind": ["cc"]}]}, "allowed are cc"),
        ({"maps": [{**ENTRY, "number": 128}]}, "number 128; allowed are 0 to 127"),
        ({"maps": [{**ENTRY, "number": "9"}]}, "number '9'"),
        ({"maps": [{**ENTRY, "takover": "jump"}]}, "'takover'; allowed are control, port"),
        ({"maps": [{**ENTRY, "takeover": "grab"}]}, "takeover 'grab'"),
        ({"maps": [{**ENTRY, "low": "0"}]}, "low '0' is no number"),
        ({"maps": [{**ENTRY, "low": 1, "high": 0}]}, "low 1 is not below high 0"),
        ({"maps": [{**ENTRY, "invert": 1}]}, "invert 1; allowed are true and false"),
        ({"maps": [{**ENTRY, "port": 3}]}, "port 3 is no text"),
        ({"maps": [{"kind": "cc", "number": 9}]}, "no control"),
    ],
)
def test_an_invalid_file_is_refused_as_a_whole_and_the_error_says_where(
    document: Mapping[str, Any], why: str
) -> None:
    with pytest.raises(MidiMappingError, match=why):
        table_of(document)
