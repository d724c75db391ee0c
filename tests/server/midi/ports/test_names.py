"""MIDI port names as the systems give them."""

from __future__ import annotations

import pytest

from server.midi.ports.names import numbered, output_of, stable_name


@pytest.mark.parametrize(
    ("name", "taken", "keeps"),
    [
        ("nanoKONTROL2:nanoKONTROL2 CTRL 24:0", (), "nanoKONTROL2:nanoKONTROL2 CTRL"),
        ("a2j:Launchpad [28] (capture): MIDI 1", (), "a2j:Launchpad (capture): MIDI 1"),
        ("knobs:out", (), "knobs:out"),
        ("Pads 28:0", ("Pads",), "Pads (2)"),
        ("Pads 32:0", ("Pads", "Pads (2)"), "Pads (3)"),
    ],
)
def test_a_port_name_stays_the_same_when_replugged(
    name: str, taken: tuple[str, ...], keeps: str
) -> None:
    assert stable_name(name, taken) == keeps


@pytest.mark.parametrize(
    ("name", "outputs", "output"),
    [
        ("Knobs 20:0", ["Synth 24:0", "Knobs 20:0"], "Knobs 20:0"),
        ("knobs:out", ["synth:in", "knobs:in"], "knobs:in"),
        ("system:midi_capture_2", ["system:midi_playback_1", "system:midi_playback_2"],
         "system:midi_playback_2"),
        ("a2j:X [28] (capture): X MIDI 1", ["a2j:X [28] (playback): X MIDI 1"],
         "a2j:X [28] (playback): X MIDI 1"),
        ("MIDIIN2 (Launchkey)", ["Launchkey", "MIDIOUT2 (Launchkey)"], "MIDIOUT2 (Launchkey)"),
        ("Knobs", ["Knobs Mini", "Pads"], None),
        ("Mini", ["Main"], None),
        ("knobs:out", [], None),
    ],
)  # fmt: skip
def test_an_input_has_one_matching_output_or_none(
    name: str, outputs: list[str], output: str | None
) -> None:
    assert output_of(name, outputs) == output


def test_duplicate_names_are_numbered() -> None:
    assert numbered(["a", "b", "a", "a"]) == ["a", "b", "a (2)", "a (3)"]
