"""Learning, forgetting and changing MIDI mappings over OSC."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pythonosc.osc_message_builder import build_msg

from server.controls.desk import Desk
from server.controls.events import Event, LearnMidi, SetControl
from server.controls.replies import Reply
from server.controls.sample_clock import SampleClock
from server.controls.table import control_table
from server.controls.timeline import Timeline
from server.live.dispatcher import Dispatcher
from server.midi.commands import MidiCommands
from server.midi.decode.moves import Knob, Move
from server.midi.mappings.mapping_file import MappingFile
from server.midi.ports.open_ports import PortChanges
from server.osc.scheduler import Scheduler
from server.system.file_worker import FileWorker
from tests.server.control_inputs import ControlRig, FakeSender

KNOB = "cc 9, channel 1, knobs"


def sent(rig: ControlRig, address: str, *arguments: object) -> list[Reply]:
    """The answers to one message."""
    before = len(rig.sender.replies)
    rig.send(build_msg(address, list(arguments)).dgram)
    return rig.sender.replies[before:]


def learn(rig: ControlRig, *words: str) -> list[Reply]:
    before = len(rig.sender.replies)
    rig.send(build_msg("/midi/learn", list(words)).dgram)
    rig.turn(0, 10, 20, 30)
    return rig.sender.replies[before:]


def value(rig: ControlRig, address: str) -> float:
    return rig.desk.snapshot().value(address)


def fail(command: str, why: str) -> list[Reply]:
    return [Reply("/fail", (command, why))]


def test_a_learned_knob_moves_its_control() -> None:
    rig = ControlRig()
    assert learn(rig, "/level") == [Reply("/done", ("/midi/learn", "/level", KNOB))]
    assert value(rig, "/level") == -12.0  # not while learning
    rig.turn(127)
    assert value(rig, "/level") == 6.0


def test_clients_are_notified_of_learned_and_forgotten_mappings() -> None:
    rig, other = ControlRig(), FakeSender("other")
    rig.send(build_msg("/notify", 1).dgram, other)
    learn(rig, "/level")
    sent(rig, "/midi/map", "/level", "invert", 1)
    sent(rig, "/midi/forget", "/level")
    assert other.replies[1:] == [
        Reply("/midi/learn", ("/level", KNOB)),
        Reply("/midi/map", ("/level", "invert", 1.0)),
        Reply("/midi/forget", ("/level",)),
    ]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["/nothing"], "'/nothing' is no control; --list-controls shows them all"),
        (["/interp/xy"], "/interp/xy cannot be moved by a knob"),
        (["/play"], "/play cannot be moved by a knob"),
        (["/level", "grab"], "'grab'; allowed is one each of: jump, pick-up, scale; signed bit, "
         "signed bit 2, bin offset, 2's complement, absolute"),
        (["/level", "jump", "scale"], "'jump scale'; allowed is one each of: jump, pick-up, scale; "
         "signed bit, signed bit 2, bin offset, 2's complement, absolute"),
    ],
)  # fmt: skip
def test_an_invalid_learn_is_refused_and_the_current_one_goes_on(
    words: list[str], why: str
) -> None:
    rig = ControlRig()
    sent(rig, "/midi/learn", "/walk")
    assert sent(rig, "/midi/learn", *words) == fail("/midi/learn", why)
    rig.turn(0, 10, 20, 30)
    assert rig.sender.replies[-1] == Reply("/done", ("/midi/learn", "/walk", KNOB))


def test_learn_accepts_takeover_and_encoder_coding() -> None:
    rig = ControlRig()
    sent(rig, "/midi/learn", "/level", "bin offset", "scale")
    rig.turn(*[65] * 8)
    (told, _) = sent(rig, "/midi/map", "/level")
    options = dict(zip(told.arguments[2::2], told.arguments[3::2], strict=True))
    assert (options["takeover"], options["relative"]) == ("scale", "bin offset")


def test_a_newer_learn_replaces_the_older_one() -> None:
    rig, other = ControlRig(), FakeSender("other")
    rig.send(build_msg("/midi/learn", "/walk").dgram, other)
    learn(rig, "/level")
    assert other.replies == fail("/midi/learn", "/walk: /level is learned instead")
    assert [one.address for one in rig.midi.table.learned] == ["/level"]


def test_learning_can_be_cancelled() -> None:
    rig = ControlRig()
    sent(rig, "/midi/learn", "/level")
    assert sent(rig, "/midi/learn") == [
        *fail("/midi/learn", "/level: cancelled"),
        Reply("/done", ("/midi/learn",)),
    ]
    rig.turn(0, 40, 80, 127)
    assert rig.midi.table.learned == ()
    assert sent(rig, "/midi/learn") == [Reply("/done", ("/midi/learn",))]


def test_learning_times_out_once() -> None:
    rig = ControlRig()
    sent(rig, "/midi/learn", "/walk")
    first, rig.due = rig.due, []
    sent(rig, "/midi/learn", "/level")
    for call in first:
        call()
    rig.sender.replies.clear()
    rig.pass_time()
    rig.pass_time()
    why = "/level: no knob was turned far enough in 30 s"
    assert rig.sender.replies == fail("/midi/learn", why)


@pytest.mark.parametrize(
    ("gone", "are_left", "why"),
    [
        (("knobs",), True, "/level: the MIDI port 'knobs' has gone; learn again when it is back"),
        (("pads",), False, "/level: no MIDI port is left"),
        (("pads",), True, None),
    ],
)
def test_learning_fails_when_its_port_disappears(
    gone: tuple[str, ...], are_left: bool, why: str | None
) -> None:
    rig = ControlRig()
    sent(rig, "/midi/learn", "/level")
    rig.turn(0, 10)
    rig.midi.on_ports(PortChanges(gone=gone), are_left)
    assert rig.sender.replies == ([] if why is None else fail("/midi/learn", why))
    rig.midi.on_ports(PortChanges(gone=gone), are_left)
    assert rig.midi.table.learned == ()


def test_forgetting_an_unmapped_control_fails() -> None:
    rig = ControlRig()
    why = "nothing is mapped to '/level'; /midi/maps lists all mappings"
    assert sent(rig, "/midi/forget", "/level") == fail("/midi/forget", why)
    assert sent(rig, "/midi/forget", "/interp") == [Reply("/done", ("/midi/forget", "/interp"))]
    rig.turn(127, number=1)
    assert value(rig, "/interp") == 0.0


def test_a_default_mapping_takes_options() -> None:
    rig = ControlRig()
    sent(rig, "/midi/map", "/interp", "takeover", "pick-up")
    rig.desk.apply([SetControl("/interp", (0.5,))])
    rig.turn(10, number=1)
    assert value(rig, "/interp") == 0.5
    rig.turn(100, number=1)
    assert value(rig, "/interp") == 100 / 127


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("/nothing", "invert", 1), "'/nothing' is no control; --list-controls shows them all"),
        (("/walk", "invert", 1), "nothing is mapped to /walk; /midi/learn maps a knob"),
        (("/level", "invert"), "'invert' needs a value"),
        (("/level", "invert", 7), "invert 7.0; allowed are 0 and 1"),
        (("/level", "high", 99.0), "high 99.0; allowed are -60 to 6"),
        (
            ("/level", "invert", 1, "cc 1"),
            "nothing is mapped to /level from 'cc 1'; /midi/learn maps a knob",
        ),
    ],
)
def test_an_invalid_option_changes_nothing(arguments: tuple[object, ...], why: str) -> None:
    rig = ControlRig()
    learn(rig, "/level")
    before = rig.midi.table
    assert sent(rig, "/midi/map", *arguments) == fail("/midi/map", why)
    assert rig.midi.table == before


def test_an_option_can_be_set_for_one_of_two_knobs() -> None:
    rig = ControlRig()
    learn(rig, "/level")
    sent(rig, "/midi/learn", "/level")
    rig.turn(0, 10, 20, 30, number=8)
    sent(rig, "/midi/map", "/level", "invert", 1, KNOB)
    assert [one.invert for one in rig.midi.table.learned] == [True, False]


def test_scaling_starts_with_the_first_turn_after_learning() -> None:
    rig = ControlRig()
    learn(rig, "/interp", "scale")
    rig.desk.apply([SetControl("/interp", (0.9,))])
    rig.turn(60)
    assert value(rig, "/interp") == pytest.approx(0.9 + 30 * 0.1 / 97)


def test_learning_a_knob_again_keeps_its_options() -> None:
    rig = ControlRig()
    learn(rig, "/level", "scale")
    sent(rig, "/midi/map", "/level", "high", 0.0)
    learn(rig, "/level")
    (one,) = rig.midi.table.learned
    assert (one.high, one.takeover) == (0.0, "scale")


class Kept:
    """MIDI commands whose mappings are kept in a folder, and the ``sender`` that they answer."""

    def __init__(self, folder: Path) -> None:
        self.sender = FakeSender()
        self.errands = FileWorker(lambda call: call())
        self.desk = Desk(control_table(style_dims=4))
        self.rig = MidiCommands(
            self.desk, MappingFile(folder, self.errands), lambda *_: None, lambda *_: None
        )
        self.dispatch = Dispatcher(
            self.desk, Scheduler(Timeline(self.desk, SampleClock(0.01))), [self.rig]
        )

    def learn(self, address: str, *values: int) -> None:
        self.do(LearnMidi((address,), reply_to=self.sender))
        for place in values:
            self.rig.take([Move(Knob("knobs", 0, "cc", 9), place, 127)])
        self.errands.stop()

    def do(self, event: Event) -> None:
        self.dispatch((event,))


def test_a_learned_mapping_is_on_disk_when_the_reply_comes(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    kept.learn("/level", 0, 10, 20, 30)
    assert kept.sender.replies == [Reply("/done", ("/midi/learn", "/level", KNOB))]
    (entry,) = json.loads((tmp_path / "midi.json").read_text())["maps"]
    assert (entry["control"], entry["port"], entry["channel"]) == ("/level", "knobs", 1)
    again = Kept(tmp_path)
    again.rig.take([Move(Knob("knobs", 0, "cc", 9), 127, 127)])
    assert again.desk.snapshot().value("/level") == 6.0


def test_a_mapping_that_cannot_be_saved_works_and_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    kept = Kept(tmp_path / "file")
    kept.learn("/level", 0, 10, 20, 30)
    (reply,) = kept.sender.replies
    assert reply.address == "/fail" and "in force, but not kept: cannot write" in str(reply)


def test_an_invalid_mappings_file_is_set_aside_and_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    text = '{"midi maps": 1, "maps": [{"control": "/level", "kind": "pedal"}]}'
    (tmp_path / "midi.json").write_text(text)
    assert Kept(tmp_path).rig.table.learned == ()
    assert (tmp_path / "midi.json.unusable-1").read_text() == text
    (line,) = caplog.messages
    assert "map 1: kind 'pedal'; allowed are cc, nrpn" in line and "\n" not in line


def test_mappings_to_controls_the_bundle_lacks_are_kept_and_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    entry = {"control": "/named/warmth", "kind": "cc", "number": 20}
    (tmp_path / "midi.json").write_text(json.dumps({"midi maps": 1, "maps": [entry]}))
    kept = Kept(tmp_path)
    kept.rig.take([Move(Knob("knobs", 0, "cc", 20), 5, 127)] * 3)
    kept.learn("/level", 0, 10, 20, 30)
    kept.rig.take([])
    assert caplog.messages == ["mapped, but not in this bundle; the mapping is kept: /named/warmth"]
    maps = json.loads((tmp_path / "midi.json").read_text())["maps"]
    assert [one["control"] for one in maps] == ["/named/warmth", "/level"]
