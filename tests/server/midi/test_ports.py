"""Which ports are opened, and how they follow what is plugged."""

from __future__ import annotations

import logging

import pytest

from server.midi.ports import MidiPorts, midi_port_names
from server.midi.source import MidiPortError, MidiSource, MidiUnavailable
from tests.server.midi.fake_midi import FakeMidi

TWO = ("nanoKONTROL2 20:0", "Launch Control 24:0")
CC1_TOP = (0xB0, 1, 127)


def nothing_there() -> MidiSource:
    raise MidiUnavailable("no JACK server; start one first")


@pytest.mark.parametrize(
    ("choice", "opened"),
    [
        ("all", TWO),
        ("Launch Control 24:0", TWO[1:]),
        ("launch", TWO[1:]),
        ("o", TWO),
    ],
)
def test_the_ports_that_were_asked_for_are_opened(choice: str, opened: tuple[str, ...]) -> None:
    midi = FakeMidi(*TWO)
    assert MidiPorts(choice, midi).open()
    assert tuple(midi.opened) == opened


def test_a_name_that_fits_exactly_opens_no_other() -> None:
    midi = FakeMidi("Knobs", "Knobs (2)")
    MidiPorts("Knobs", midi).open()
    assert list(midi.opened) == ["Knobs"]


def test_a_named_port_that_is_not_there_is_an_error_that_lists_what_is() -> None:
    midi = FakeMidi(*TWO)
    with pytest.raises(MidiPortError) as caught:
        MidiPorts("Faderfox", midi).open()
    assert str(caught.value) == (
        "no MIDI port 'Faderfox'; there are: 'nanoKONTROL2 20:0', 'Launch Control 24:0'; "
        "or choose --midi all or none"
    )
    assert midi.closed


def test_no_midi_at_all_is_a_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    ports = MidiPorts("all", nothing_there)
    assert not ports.open()
    assert caplog.messages == ["no MIDI: no JACK server; start one first"]
    ports.look()
    assert ports.messages() == []
    ports.close()


def test_no_midi_at_all_is_an_error_where_a_port_was_named() -> None:
    with pytest.raises(MidiPortError, match="no MIDI port 'Knobs': no JACK server"):
        MidiPorts("Knobs", nothing_there).open()


def test_a_port_that_is_pulled_and_plugged_again_is_opened_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    midi = FakeMidi("Knobs")
    ports = MidiPorts("all", midi)
    ports.open()
    midi.there.remove("Knobs")
    ports.look()
    ports.look()
    assert midi.opened["Knobs"][0].closed
    assert caplog.messages == ["MIDI port 'Knobs' has gone"]
    midi.there.append("Knobs")
    ports.look()
    midi.opened["Knobs"][1].played.append(CC1_TOP)
    assert ports.messages() == [("Knobs", CC1_TOP)]


def test_a_port_that_comes_later_is_opened() -> None:
    midi = FakeMidi()
    ports = MidiPorts("all", midi)
    ports.open()
    midi.there.append("Knobs")
    ports.look()
    assert len(midi.opened["Knobs"]) == 1


def test_a_busy_port_is_told_once_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    midi = FakeMidi("Knobs", "Pads", busy=["Knobs"])
    ports = MidiPorts("all", midi)
    ports.open()
    ports.look()
    assert caplog.messages == ["cannot open the MIDI port 'Knobs': busy"]
    midi.busy.clear()
    ports.look()
    assert list(midi.opened) == ["Pads", "Knobs"]


def test_our_own_port_is_there_with_all_only() -> None:
    midi = FakeMidi("Knobs")
    midi.own.played.append(CC1_TOP)
    named, everything = MidiPorts("Knobs", midi), MidiPorts("all", midi)
    named.open()
    assert named.messages() == []
    everything.open()
    assert everything.messages() == [("latent-deck:in", CC1_TOP)]


def test_a_platform_without_ports_of_our_own_is_no_hindrance() -> None:
    ports = MidiPorts("all", FakeMidi("Knobs", has_own=False))
    assert ports.open()
    assert ports.messages() == []
    ports.close()


def test_everything_is_closed_at_the_end() -> None:
    midi = FakeMidi(*TWO)
    ports = MidiPorts("all", midi)
    ports.open()
    ports.close()
    ports.close()
    assert midi.closed and midi.own.closed
    assert all(port.closed for opened in midi.opened.values() for port in opened)


def test_names_can_be_listed(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    midi = FakeMidi(*TWO)
    assert midi_port_names(midi) == list(TWO)
    assert midi.closed and not midi.opened
    assert midi_port_names(nothing_there) == []
