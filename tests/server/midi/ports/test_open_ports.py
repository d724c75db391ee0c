"""The ports that are opened, and how they follow plugging."""

from __future__ import annotations

import logging

import pytest

from server.midi.ports.backend import OWN_NAME, MidiBackend, MidiPortError, MidiUnavailable
from server.midi.ports.open_ports import MidiPorts, PortChanges, midi_port_names
from tests.server.midi.fake_midi import FakeMidi

TWO = ("nanoKONTROL2 20:0", "Launch Control 24:0")
CC1_TOP = (0xB0, 1, 127)


def nothing_there() -> MidiBackend:
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
def test_the_chosen_ports_are_opened(choice: str, opened: tuple[str, ...]) -> None:
    midi = FakeMidi(*TWO)
    MidiPorts(choice, midi).open()
    assert tuple(midi.opened) == opened


def test_an_exact_name_opens_no_other_port() -> None:
    midi = FakeMidi("Knobs", "Knobs (2)")
    MidiPorts("Knobs", midi).open()
    assert list(midi.opened) == ["Knobs"]


def test_a_missing_named_port_fails_and_lists_the_available_ones() -> None:
    midi = FakeMidi(*TWO)
    with pytest.raises(MidiPortError) as caught:
        MidiPorts("Faderfox", midi).open()
    assert str(caught.value) == (
        "no MIDI port 'Faderfox'; there are: 'nanoKONTROL2 20:0', 'Launch Control 24:0'; "
        "or choose --midi all or none"
    )
    assert midi.closed


def test_no_midi_at_all_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    ports = MidiPorts("all", nothing_there)
    ports.open()
    ports.scan()
    ports.scan()
    assert caplog.messages == ["no MIDI: no JACK server; start one first"]
    assert ports.messages() == []
    ports.close()


def test_no_midi_at_all_fails_when_a_port_was_named() -> None:
    with pytest.raises(MidiPortError, match="no MIDI port 'Knobs': no JACK server"):
        MidiPorts("Knobs", nothing_there).open()


def test_a_replugged_port_is_opened_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    midi = FakeMidi("Knobs")
    ports = MidiPorts("all", midi)
    ports.open()
    midi.there.remove("Knobs")
    ports.scan()
    ports.scan()
    assert midi.opened["Knobs"][0].closed
    assert caplog.messages == ["MIDI port 'Knobs' has gone"]
    midi.there.append("Knobs")
    ports.scan()
    midi.opened["Knobs"][1].played.append(CC1_TOP)
    assert ports.messages() == [("Knobs", CC1_TOP)]


def test_a_port_plugged_in_later_is_opened() -> None:
    midi = FakeMidi()
    ports = MidiPorts("all", midi)
    ports.open()
    midi.there.append("Knobs")
    ports.scan()
    assert len(midi.opened["Knobs"]) == 1


def test_a_busy_port_is_logged_once_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    midi = FakeMidi("Knobs", "Pads", busy=["Knobs"])
    ports = MidiPorts("all", midi)
    ports.open()
    ports.scan()
    assert caplog.messages == ["cannot open the MIDI port 'Knobs': busy"]
    midi.busy.clear()
    ports.scan()
    assert list(midi.opened) == ["Pads", "Knobs"]


def test_our_own_port_is_open_only_with_all() -> None:
    midi = FakeMidi("Knobs")
    midi.own.played.append(CC1_TOP)
    named, everything = MidiPorts("Knobs", midi), MidiPorts("all", midi)
    named.open()
    assert named.messages() == []
    everything.open()
    assert everything.messages() == [("latent-deck:in", CC1_TOP)]


def test_platforms_without_virtual_ports_work() -> None:
    ports = MidiPorts("all", FakeMidi("Knobs", has_own=False))
    ports.open()
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


def test_a_port_keeps_its_name_in_another_socket() -> None:
    midi = FakeMidi("Knobs 20:0", "Knobs 24:0", "Pads 28:0")
    ports = MidiPorts("all", midi)
    ports.open()
    assert ports.names == ("Knobs", "Knobs (2)", "Pads", OWN_NAME)
    midi.there.remove("Knobs 20:0")
    assert ports.scan() == PortChanges(gone=("Knobs",))
    midi.there.append("Knobs 32:0")
    assert ports.scan() == PortChanges(came=("Knobs",))
    midi.opened["Knobs 24:0"][0].played.append(CC1_TOP)
    assert ports.messages() == [("Knobs (2)", CC1_TOP)]


def test_a_port_replugged_between_two_polls_is_reopened() -> None:
    midi = FakeMidi("Knobs", outputs=["Knobs"])
    ports = MidiPorts("all", midi)
    ports.open()
    ports.send("Knobs", CC1_TOP)
    midi.pulled = {"Knobs"}
    assert ports.scan() == PortChanges(gone=("Knobs",), came=("Knobs",))
    assert midi.opened["Knobs"][0].closed and midi.opened_outputs["Knobs"][0].closed
    ports.send("Knobs", CC1_TOP)
    assert midi.opened_outputs["Knobs"][1].received == [CC1_TOP]
    assert not ports.scan()


def test_several_ports_that_go_and_come_at_once_are_reported() -> None:
    midi = FakeMidi("A", "B", "C")
    ports = MidiPorts("all", midi)
    ports.open()
    midi.there = ["B", "D", "E"]
    assert ports.scan() == PortChanges(gone=("A", "C"), came=("D", "E"))
    assert not ports.scan()


def test_a_name_without_the_system_suffix_is_exact() -> None:
    midi = FakeMidi("Knobs 20:0", "Knobs Mini 24:0")
    MidiPorts("Knobs", midi).open()
    assert list(midi.opened) == ["Knobs 20:0"]


def test_messages_are_sent_only_to_the_output_of_that_input() -> None:
    midi = FakeMidi("knobs:out", "pads:out", outputs=["pads:in", "knobs:in", "synth:in"])
    ports = MidiPorts("all", midi)
    ports.open()
    for name in ("knobs:out", "knobs:out", OWN_NAME, "nobody"):
        ports.send(name, CC1_TOP)
    assert list(midi.opened_outputs) == ["knobs:in"]
    assert midi.opened_outputs["knobs:in"][0].received == [CC1_TOP] * 2
    assert midi.own_output.received == [CC1_TOP]


def test_an_output_that_comes_later_is_found_and_reported() -> None:
    midi = FakeMidi("knobs:out")
    ports = MidiPorts("all", midi)
    ports.open()
    ports.send("knobs:out", CC1_TOP)
    assert not ports.scan()
    midi.outputs.append("knobs:in")
    assert ports.scan() == PortChanges(came=("knobs:out",))
    ports.send("knobs:out", CC1_TOP)
    assert midi.opened_outputs["knobs:in"][0].received == [CC1_TOP]
    midi.outputs.clear()
    assert not ports.scan() and midi.opened_outputs["knobs:in"][0].closed
    ports.send("knobs:out", CC1_TOP)
    midi.outputs.append("knobs:in")
    assert ports.scan() == PortChanges(came=("knobs:out",))


def test_a_busy_output_is_tried_again() -> None:
    midi = FakeMidi("Knobs", outputs=["Knobs"])
    ports = MidiPorts("all", midi)
    ports.open()
    midi.busy.add("Knobs")
    ports.send("Knobs", CC1_TOP)
    assert not ports.scan() and not midi.opened_outputs
    midi.busy.clear()
    assert ports.scan() == PortChanges(came=("Knobs",))


def test_a_midi_system_that_dies_is_closed_logged_once_and_reopened(
    caplog: pytest.LogCaptureFixture,
) -> None:
    midi = FakeMidi("Knobs", outputs=["Knobs"])
    ports = MidiPorts("all", midi)
    ports.open()
    ports.send("Knobs", CC1_TOP)
    midi.is_dead = True
    assert ports.scan() == PortChanges(gone=("Knobs", OWN_NAME))
    assert midi.closed and midi.own.closed and midi.own_output.closed
    assert midi.opened["Knobs"][0].closed and midi.opened_outputs["Knobs"][0].closed
    assert not ports.scan() and ports.messages() == []
    ports.send("Knobs", CC1_TOP)
    assert caplog.messages == [
        "no MIDI any more: the JACK server has gone; trying again until it is back"
    ]
    midi.is_dead = False
    assert ports.scan() == PortChanges(came=("Knobs", OWN_NAME))
    assert len(midi.opened["Knobs"]) == 2 and not midi.closed


def test_a_midi_system_that_comes_later_is_opened() -> None:
    midi = FakeMidi("Knobs")
    midi.is_dead = True
    ports = MidiPorts("all", midi)
    ports.open()
    midi.is_dead = False
    assert ports.scan() == PortChanges(came=("Knobs", OWN_NAME))


def test_port_names_are_listed(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    midi = FakeMidi(*TWO)
    assert midi_port_names(midi) == list(TWO)
    assert midi.closed and not midi.opened
    assert midi_port_names(nothing_there) == []
