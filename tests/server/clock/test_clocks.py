"""The source of the tempo: /clock, MIDI clock, a Link session, taps with their time tags."""

from __future__ import annotations

import pytest
from mido import Message
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message_builder import build_msg

from server.clock.link import REMEDY
from server.clock.midi_clock import TICKS_A_BEAT
from server.controls.replies import Reply
from tests.server.control_inputs import FakeSender, Hands


def rig(has_link: bool = True, playing: bool = True) -> Hands:
    hands = Hands(has_link=has_link, playing=playing)
    hands.put_decks()
    hands.render(4)
    return hands


def say(hands: Hands, address: str, *values: float | str) -> None:
    hands.send(build_msg(address, list(values)).dgram)


def tempo(hands: Hands) -> float:
    return hands.desk.snapshot().value("/tempo")


def tick(hands: Hands, bpm: float, beats: float) -> None:
    for _ in range(round(beats * TICKS_A_BEAT)):
        hands.clocks.receive(Message("clock"), hands.now_s)
        hands.now_s += 60 / bpm / TICKS_A_BEAT


def test_midi_clock_says_the_tempo_only_where_it_is_asked() -> None:
    hands = rig()
    tick(hands, 90, 2)
    assert tempo(hands) == 0
    say(hands, "/clock", "midi")
    assert tempo(hands) == pytest.approx(90, abs=0.1)
    tick(hands, 130, 3)
    assert tempo(hands) == pytest.approx(130, abs=0.1)
    say(hands, "/clock", "internal")
    tick(hands, 70, 3)
    assert tempo(hands) == pytest.approx(130, abs=0.1)


def test_start_continue_and_stop_of_midi_are_the_transport_where_it_is_asked() -> None:
    hands = rig(playing=False)
    for name in ("start", "continue"):
        hands.clocks.receive(Message(name), hands.now_s)
        assert not hands.desk.snapshot().playing
    say(hands, "/clock", "midi")
    say(hands, "/position", 0.5)
    jumps = hands.desk.snapshot().jumps
    hands.clocks.receive(Message("start"), hands.now_s)
    state = hands.desk.snapshot()
    assert state.playing and state.jumps == jumps + 1 and state.value("/position") == 0
    hands.clocks.receive(Message("stop"), hands.now_s)
    assert not hands.desk.snapshot().playing
    hands.clocks.receive(Message("continue"), hands.now_s)
    assert hands.desk.snapshot().playing and hands.desk.snapshot().jumps == jumps + 1


def test_others_are_told_of_the_tempo_of_midi() -> None:
    hands = rig()
    other = FakeSender("other")
    hands.send(build_msg("/notify", 1).dgram, other)
    say(hands, "/clock", "midi")
    tick(hands, 90, 2)
    hands.pass_time()
    assert Reply("/clock", ("midi",)) in other.replies
    told = [reply.arguments[0] for reply in other.replies if reply.address == "/tempo"]
    assert told == [pytest.approx(90, abs=0.1)]


@pytest.mark.parametrize(("address", "values"), [("/tempo", [100.0]), ("/tempo/tap", [])])
def test_a_tempo_by_hand_is_refused_while_midi_says_it(address: str, values: list[float]) -> None:
    hands = rig()
    say(hands, "/clock", "midi")
    tick(hands, 90, 2)
    before = tempo(hands)
    say(hands, address, *values)
    assert hands.sender.replies[-1] == Reply(
        "/fail", (address, "MIDI clock sets the tempo; send /clock internal first")
    )
    assert tempo(hands) == before


def test_one_bundle_may_take_the_clock_back_and_say_a_tempo() -> None:
    hands = rig()
    say(hands, "/clock", "midi")
    builder = OscBundleBuilder(IMMEDIATELY)
    builder.add_content(build_msg("/clock", "internal"))
    builder.add_content(build_msg("/tempo", 100.0))
    hands.send(builder.build().dgram)
    assert not hands.sender.replies and tempo(hands) == 100


def test_link_is_joined_with_the_tempo_that_is_and_left_again() -> None:
    hands = rig()
    say(hands, "/tempo", 101.0)
    say(hands, "/clock", "link")
    (link,) = hands.links
    assert link.tempo_bpm == 101
    link.tempo_bpm = 87.5  # another peer
    hands.pass_time()
    assert tempo(hands) == 87.5
    say(hands, "/tempo", 99.0)
    assert link.tempo_bpm == 99
    hands.pass_time()
    assert tempo(hands) == 99
    say(hands, "/clock", "internal")
    assert link.is_closed
    hands.pass_time()
    hands.pass_time()
    assert not hands.due
    link.tempo_bpm = 60
    assert tempo(hands) == 99


def test_taps_are_the_session_s_tempo_in_link() -> None:
    hands = rig()
    say(hands, "/clock", "link")
    for _ in range(2):
        say(hands, "/tempo/tap")
        hands.now_s += 0.75
    assert hands.links[0].tempo_bpm == pytest.approx(80)


def test_a_link_session_cannot_be_as_recorded() -> None:
    hands = rig()
    say(hands, "/clock", "link")
    say(hands, "/tempo", 0.0)
    (reply,) = hands.sender.replies
    assert reply.address == "/fail" and "/clock internal first" in str(reply.arguments[1])
    assert tempo(hands) == 120


def test_without_link_it_says_how_to_get_it_and_nothing_changes() -> None:
    hands = rig(has_link=False)
    say(hands, "/clock", "link")
    assert hands.sender.replies == [Reply("/fail", ("/clock", REMEDY))]
    assert hands.clocks.choice == "internal"


def test_what_gets_past_the_hands_falls_back_to_the_internal_clock() -> None:
    hands = rig(has_link=False)
    hands.has_link = True
    builder = OscBundleBuilder(hands.now_s + 0.05)
    builder.add_content(build_msg("/clock", "link"))
    hands.send(builder.build().dgram)
    hands.has_link = False
    hands.render(32)
    assert hands.clocks.choice == "internal" and not hands.links


def test_taps_count_by_their_time_tags() -> None:
    hands = rig()
    for n in range(4):
        builder = OscBundleBuilder(hands.now_s + 0.1 + 0.6 * n)
        builder.add_content(build_msg("/tempo/tap"))
        hands.send(builder.build().dgram)
    hands.render(800)
    assert tempo(hands) == pytest.approx(100, abs=0.01)
    late = hands.now_s - 10
    for n in range(2):
        builder = OscBundleBuilder(late + 0.5 * n)
        builder.add_content(build_msg("/tempo/tap"))
        hands.send(builder.build().dgram)
    assert tempo(hands) == pytest.approx(120, abs=0.01)


def test_a_tap_faster_than_any_tempo_stays_within_the_range() -> None:
    hands = rig()
    for _ in range(3):
        say(hands, "/tempo/tap")
        hands.now_s += 1.9
    assert tempo(hands) == pytest.approx(60 / 1.9)


@pytest.mark.parametrize("value", ["tap", 3, -1, 0.5, float("nan")])
def test_another_clock_is_refused(value: float | str) -> None:
    hands = rig()
    with pytest.raises(AssertionError, match=r"not a choice; allowed are internal \(0\), midi"):
        say(hands, "/clock", value)
    assert hands.clocks.choice == "internal"


def test_status_tells_clock_and_tempo() -> None:
    hands = rig()
    assert hands.clocks.status() == {
        "tempo_bpm": 0.0,
        "clock": "internal",
        "clock_bpm": 0.0,
        "clock_beat": 0.0,
        "clock_locked": 0,
        "clock_error_ms": 0.0,
        "link_peers": 0,
    }
    say(hands, "/clock", "link")
    hands.now_s += 1
    assert tuple(hands.clocks.status().values()) == (0.0, "link", 120.0, 4.5, 0, 0.0, 1)
    say(hands, "/clock", "midi")
    assert hands.clocks.status()["clock_bpm"] == 0.0
    hands.clocks.receive(Message("start"), hands.now_s)
    tick(hands, 90, 2)
    status = hands.clocks.status()
    assert status["clock_bpm"] == pytest.approx(90, abs=0.01)
    assert status["clock_beat"] == pytest.approx(2, abs=0.001)


def test_other_messages_are_not_the_clocks() -> None:
    assert not rig().clocks.receive(Message("control_change", control=1, value=3), 0.0)
