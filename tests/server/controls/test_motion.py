"""The motion recorder: changes of values repeat in the same frames."""

from __future__ import annotations

import pytest
from pythonosc.osc_bundle_builder import OscBundleBuilder
from pythonosc.osc_message_builder import build_msg

from server.controls import motion
from tests.server.control_inputs import FRAME_S, FakeSender, Hands

BLOCKS = [1, 4, 16]
BEGIN, END, PLAY = 5, 29, 40
LENGTH = END - BEGIN


def say(hands: Hands, frame: float, address: str, *values: float) -> None:
    builder = OscBundleBuilder(hands.now_s + frame * FRAME_S)
    builder.add_content(build_msg(address, list(values)))
    hands.send(builder.build().dgram)


def recorded(*, play: int = PLAY) -> Hands:
    """/level -20 before, -3 in frame 10, -6 in frame 17; a jump in frame 12."""
    hands = Hands()
    hands.put_decks()
    say(hands, 1, "/level", -20.0)
    say(hands, BEGIN, "/motion/record", 1)
    say(hands, 10, "/level", -3.0)
    say(hands, 12, "/position", 0.0)
    say(hands, 17, "/level", -6.0)
    say(hands, END, "/motion/record", 0)
    say(hands, play, "/motion/play", 1)
    return hands


def levels(hands: Hands) -> list[float]:
    return [state.value("/level") for state in hands.timeline.states]


@pytest.mark.parametrize("block", BLOCKS)
def test_it_loops_in_the_frames_in_which_it_was_recorded(block: int) -> None:
    hands = recorded()
    hands.render(160, block)
    one_pass = [-20.0] * 5 + [-3.0] * 7 + [-6.0] * 12
    assert levels(hands)[BEGIN:END] == one_pass
    assert levels(hands)[END:PLAY] == [-6.0] * (PLAY - END)
    assert levels(hands)[PLAY : PLAY + 5 * LENGTH] == one_pass * 5
    jumps = [state.jumps for state in hands.timeline.states]
    assert [n for n in range(1, 160) if jumps[n] > jumps[n - 1]] == [
        12,
        *range(PLAY + 7, 160, LENGTH),
    ]


@pytest.mark.parametrize("block", BLOCKS)
def test_with_play_on_the_loop_starts_where_recording_ends(block: int) -> None:
    hands = recorded(play=20)
    hands.render(96, block)
    assert levels(hands)[END : END + LENGTH] == levels(hands)[BEGIN:END]


@pytest.mark.parametrize("block", BLOCKS)
def test_what_is_played_reaches_the_decoder_alike_at_any_block_size(block: int) -> None:
    def play(size: int) -> list[float]:
        hands = recorded()
        say(hands, 14, "/interp/style", 1.0)
        hands.render(96, size)
        return [float(value) for value in hands.session.style[0]]

    assert play(block) == pytest.approx(play(1), abs=1e-6)


def test_play_off_leaves_values_as_they_are_and_on_begins_anew() -> None:
    hands = recorded()
    say(hands, PLAY + 6, "/motion/play", 0)
    say(hands, PLAY + 30, "/motion/play", 1)
    hands.render(96)
    assert levels(hands)[PLAY + 6 : PLAY + 30] == [-3.0] * 24
    assert levels(hands)[PLAY + 30 : PLAY + 30 + LENGTH] == levels(hands)[BEGIN:END]


def test_a_hand_moves_what_is_played_until_the_loop_does() -> None:
    hands = recorded()
    say(hands, PLAY + 2, "/level", 0.0)
    say(hands, PLAY + 3, "/mute", 1)
    hands.render(96)
    assert levels(hands)[PLAY + 1 : PLAY + 6] == [-20.0, 0.0, 0.0, 0.0, -3.0]
    assert hands.timeline.states[-1].value("/mute") == 1


def test_a_new_recording_replaces_the_old_and_holds_it_up() -> None:
    hands = recorded()
    say(hands, PLAY + 6, "/motion/record", 1)
    say(hands, PLAY + 8, "/mute", 1)
    say(hands, PLAY + 10, "/motion/record", 0)
    hands.render(96)
    assert set(levels(hands)[PLAY + 6 :]) == {-3.0}
    mutes = [state.value("/mute") for state in hands.timeline.states[PLAY + 10 : PLAY + 18]]
    assert mutes == [0, 0, 1, 1] * 2


def test_others_and_who_recorded_are_told_of_what_is_played() -> None:
    hands, other = recorded(), FakeSender("other")
    hands.send(build_msg("/notify", 1).dgram, other)
    hands.render(PLAY, 4)
    hands.pass_time()
    other.replies.clear()
    hands.render(8)
    hands.pass_time()
    told = {reply.address: reply.arguments for reply in other.replies}
    assert told["/level"] == (-3.0,) and told["/motion/play"] == (1,)


def test_more_than_there_is_room_for_is_not_kept(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(motion, "MAX_CHANGES", 1)
    hands = recorded()
    hands.render(96)
    assert "is full" in caplog.text
    assert levels(hands)[PLAY : PLAY + LENGTH] == [-20.0] * 5 + [-3.0] * 19


def test_a_loop_of_no_length_or_no_change_plays_nothing() -> None:
    hands = Hands()
    for address in ("/motion/record", "/motion/play"):
        say(hands, 5, address, 1)
    say(hands, 5, "/motion/record", 0)
    hands.render(32)
    say(hands, 40, "/motion/record", 1)
    say(hands, 50, "/motion/record", 0)
    hands.render(64)
    assert hands.timeline.states[-1].value("/motion/play") == 1
    assert len({state.values for state in hands.timeline.states[50:]}) == 1
