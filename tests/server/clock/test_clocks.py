"""The source of the tempo: /clock, MIDI clock, a Link session, taps with their time tags."""

from __future__ import annotations

import pytest
from mido import Message
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message_builder import build_msg

from server.clock.link import REMEDY
from server.clock.midi_clock import TICKS_A_BEAT
from server.controls.replies import Reply
from tests.server.control_inputs import ControlRig, FakeSender


def rig(has_link: bool = True, playing: bool = True) -> ControlRig:
    controls = ControlRig(has_link=has_link, playing=playing)
    controls.put_decks()
    controls.render(4)
    return controls


def say(controls: ControlRig, address: str, *values: float | str) -> None:
    controls.send(build_msg(address, list(values)).dgram)


def tempo(controls: ControlRig) -> float:
    return controls.desk.snapshot().value("/tempo")


def tick(controls: ControlRig, bpm: float, beats: float) -> None:
    for _ in range(round(beats * TICKS_A_BEAT)):
        controls.clocks.receive(Message("clock"), controls.now_s)
        controls.now_s += 60 / bpm / TICKS_A_BEAT


def test_midi_clock_sets_the_tempo_only_when_chosen() -> None:
    controls = rig()
    tick(controls, 90, 2)
    assert tempo(controls) == 0
    say(controls, "/clock", "midi")
    assert tempo(controls) == pytest.approx(90, abs=0.1)
    tick(controls, 130, 3)
    assert tempo(controls) == pytest.approx(130, abs=0.1)
    say(controls, "/clock", "internal")
    tick(controls, 70, 3)
    assert tempo(controls) == pytest.approx(130, abs=0.1)


def test_midi_start_continue_and_stop_control_the_transport_only_when_chosen() -> None:
    controls = rig(playing=False)
    for name in ("start", "continue"):
        controls.clocks.receive(Message(name), controls.now_s)
        assert not controls.desk.snapshot().playing
    say(controls, "/clock", "midi")
    say(controls, "/position", 0.5)
    jumps = controls.desk.snapshot().jumps
    controls.clocks.receive(Message("start"), controls.now_s)
    state = controls.desk.snapshot()
    assert state.playing and state.jumps == jumps + 1 and state.value("/position") == 0
    controls.clocks.receive(Message("stop"), controls.now_s)
    assert not controls.desk.snapshot().playing
    controls.clocks.receive(Message("continue"), controls.now_s)
    assert controls.desk.snapshot().playing and controls.desk.snapshot().jumps == jumps + 1


def test_clients_are_notified_of_the_midi_tempo() -> None:
    controls = rig()
    other = FakeSender("other")
    controls.send(build_msg("/notify", 1).dgram, other)
    say(controls, "/clock", "midi")
    tick(controls, 90, 2)
    controls.pass_time()
    assert Reply("/clock", ("midi",)) in other.replies
    told = [reply.arguments[0] for reply in other.replies if reply.address == "/tempo"]
    assert told == [pytest.approx(90, abs=0.1)]


@pytest.mark.parametrize(("address", "values"), [("/tempo", [100.0]), ("/tempo/tap", [])])
def test_setting_the_tempo_is_refused_while_midi_clock_sets_it(
    address: str, values: list[float]
) -> None:
    controls = rig()
    say(controls, "/clock", "midi")
    tick(controls, 90, 2)
    before = tempo(controls)
    say(controls, address, *values)
    assert controls.sender.replies[-1] == Reply(
        "/fail", (address, "MIDI clock sets the tempo; send /clock internal first")
    )
    assert tempo(controls) == before


def test_one_bundle_can_choose_the_internal_clock_and_set_a_tempo() -> None:
    controls = rig()
    say(controls, "/clock", "midi")
    builder = OscBundleBuilder(IMMEDIATELY)
    builder.add_content(build_msg("/clock", "internal"))
    builder.add_content(build_msg("/tempo", 100.0))
    controls.send(builder.build().dgram)
    assert not controls.sender.replies and tempo(controls) == 100


def test_link_is_joined_with_the_current_tempo_and_left_again() -> None:
    controls = rig()
    say(controls, "/tempo", 101.0)
    say(controls, "/clock", "link")
    (link,) = controls.links
    assert link.tempo_bpm == 101
    link.tempo_bpm = 87.5  # another peer
    controls.pass_time()
    assert tempo(controls) == 87.5
    say(controls, "/tempo", 99.0)
    assert link.tempo_bpm == 99
    controls.pass_time()
    assert tempo(controls) == 99
    say(controls, "/clock", "internal")
    assert link.is_closed
    controls.pass_time()
    controls.pass_time()
    assert not controls.due
    link.tempo_bpm = 60
    assert tempo(controls) == 99


def test_taps_set_the_tempo_of_the_link_session() -> None:
    controls = rig()
    say(controls, "/clock", "link")
    for _ in range(2):
        say(controls, "/tempo/tap")
        controls.now_s += 0.75
    assert controls.links[0].tempo_bpm == pytest.approx(80)


def test_the_recorded_tempo_is_refused_in_a_link_session() -> None:
    controls = rig()
    say(controls, "/clock", "link")
    say(controls, "/tempo", 0.0)
    (reply,) = controls.sender.replies
    assert reply.address == "/fail" and "/clock internal first" in str(reply.arguments[1])
    assert tempo(controls) == 120


def test_without_link_the_error_says_how_to_install_it_and_nothing_changes() -> None:
    controls = rig(has_link=False)
    say(controls, "/clock", "link")
    assert controls.sender.replies == [Reply("/fail", ("/clock", REMEDY))]
    assert controls.clocks.choice == "internal"


def test_a_scheduled_link_that_fails_to_open_falls_back_to_the_internal_clock() -> None:
    controls = rig(has_link=False)
    controls.has_link = True
    builder = OscBundleBuilder(controls.now_s + 0.05)
    builder.add_content(build_msg("/clock", "link"))
    controls.send(builder.build().dgram)
    controls.has_link = False
    controls.render(32)
    assert controls.clocks.choice == "internal" and not controls.links


def test_taps_count_by_their_time_tags() -> None:
    controls = rig()
    for n in range(4):
        builder = OscBundleBuilder(controls.now_s + 0.1 + 0.6 * n)
        builder.add_content(build_msg("/tempo/tap"))
        controls.send(builder.build().dgram)
    controls.render(800)
    assert tempo(controls) == pytest.approx(100, abs=0.01)
    late = controls.now_s - 10
    for n in range(2):
        builder = OscBundleBuilder(late + 0.5 * n)
        builder.add_content(build_msg("/tempo/tap"))
        controls.send(builder.build().dgram)
    assert tempo(controls) == pytest.approx(120, abs=0.01)


def test_a_tap_faster_than_any_tempo_stays_within_the_range() -> None:
    controls = rig()
    for _ in range(3):
        say(controls, "/tempo/tap")
        controls.now_s += 1.9
    assert tempo(controls) == pytest.approx(60 / 1.9)


@pytest.mark.parametrize("value", ["tap", 3, -1, 0.5, float("nan")])
def test_an_unknown_clock_is_refused(value: float | str) -> None:
    controls = rig()
    with pytest.raises(AssertionError, match=r"not a choice; allowed are internal \(0\), midi"):
        say(controls, "/clock", value)
    assert controls.clocks.choice == "internal"


def test_status_reports_clock_and_tempo() -> None:
    controls = rig()
    assert controls.clocks.status() == {
        "tempo_bpm": 0.0,
        "clock": "internal",
        "clock_bpm": 0.0,
        "clock_beat": 0.0,
        "clock_locked": 0,
        "clock_error_ms": 0.0,
        "link_peers": 0,
    }
    say(controls, "/clock", "link")
    controls.now_s += 1
    assert tuple(controls.clocks.status().values()) == (0.0, "link", 120.0, 4.5, 0, 0.0, 1)
    say(controls, "/clock", "midi")
    assert controls.clocks.status()["clock_bpm"] == 0.0
    controls.clocks.receive(Message("start"), controls.now_s)
    tick(controls, 90, 2)
    status = controls.clocks.status()
    assert status["clock_bpm"] == pytest.approx(90, abs=0.01)
    assert status["clock_beat"] == pytest.approx(2, abs=0.001)


def test_the_clocks_ignore_other_midi_messages() -> None:
    assert not rig().clocks.receive(Message("control_change", control=1, value=3), 0.0)
