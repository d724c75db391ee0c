"""The motion recorder: changes of values repeat in the same frames."""

from __future__ import annotations

import pytest
from pythonosc.osc_bundle_builder import OscBundleBuilder
from pythonosc.osc_message_builder import build_msg

from server.controls import motion
from tests.server.control_inputs import FRAME_S, ControlRig, FakeSender

BLOCKS = [1, 4, 16]
BEGIN, END, PLAY = 5, 29, 40
LENGTH = END - BEGIN


def say(rig: ControlRig, frame: float, address: str, *values: float) -> None:
    builder = OscBundleBuilder(rig.now_s + frame * FRAME_S)
    builder.add_content(build_msg(address, list(values)))
    rig.send(builder.build().dgram)


def recorded(*, play: int = PLAY) -> ControlRig:
    """Record ``/level`` -20 before, -3 in frame 10, -6 in frame 17; and a jump in frame 12."""
    rig = ControlRig()
    rig.put_decks()
    say(rig, 1, "/level", -20.0)
    say(rig, BEGIN, "/motion/record", 1)
    say(rig, 10, "/level", -3.0)
    say(rig, 12, "/position", 0.0)
    say(rig, 17, "/level", -6.0)
    say(rig, END, "/motion/record", 0)
    say(rig, play, "/motion/play", 1)
    return rig


def levels(rig: ControlRig) -> list[float]:
    return [state.value("/level") for state in rig.timeline.states]


@pytest.mark.parametrize("block", BLOCKS)
def test_motion_loops_in_the_frames_in_which_it_was_recorded(block: int) -> None:
    rig = recorded()
    rig.render(160, block)
    one_pass = [-20.0] * 5 + [-3.0] * 7 + [-6.0] * 12
    assert levels(rig)[BEGIN:END] == one_pass
    assert levels(rig)[END:PLAY] == [-6.0] * (PLAY - END)
    assert levels(rig)[PLAY : PLAY + 5 * LENGTH] == one_pass * 5
    jumps = [state.jumps for state in rig.timeline.states]
    assert [n for n in range(1, 160) if jumps[n] > jumps[n - 1]] == [
        12,
        *range(PLAY + 7, 160, LENGTH),
    ]


@pytest.mark.parametrize("block", BLOCKS)
def test_with_play_on_the_loop_starts_when_recording_ends(block: int) -> None:
    rig = recorded(play=20)
    rig.render(96, block)
    assert levels(rig)[END : END + LENGTH] == levels(rig)[BEGIN:END]


@pytest.mark.parametrize("block", BLOCKS)
def test_looped_motion_reaches_the_decoder_alike_at_any_block_size(block: int) -> None:
    def play(size: int) -> list[float]:
        rig = recorded()
        say(rig, 14, "/interp/style", 1.0)
        rig.render(96, size)
        return [float(value) for value in rig.session.style[0]]

    assert play(block) == pytest.approx(play(1), abs=1e-6)


def test_play_off_leaves_values_as_they_are_and_on_restarts_the_loop() -> None:
    rig = recorded()
    say(rig, PLAY + 6, "/motion/play", 0)
    say(rig, PLAY + 30, "/motion/play", 1)
    rig.render(96)
    assert levels(rig)[PLAY + 6 : PLAY + 30] == [-3.0] * 24
    assert levels(rig)[PLAY + 30 : PLAY + 30 + LENGTH] == levels(rig)[BEGIN:END]


def test_a_value_set_by_hand_holds_until_the_loop_changes_it() -> None:
    rig = recorded()
    say(rig, PLAY + 2, "/level", 0.0)
    say(rig, PLAY + 3, "/mute", 1)
    rig.render(96)
    assert levels(rig)[PLAY + 1 : PLAY + 6] == [-20.0, 0.0, 0.0, 0.0, -3.0]
    assert rig.timeline.states[-1].value("/mute") == 1


def test_a_new_recording_stops_and_replaces_the_old_loop() -> None:
    rig = recorded()
    say(rig, PLAY + 6, "/motion/record", 1)
    say(rig, PLAY + 8, "/mute", 1)
    say(rig, PLAY + 10, "/motion/record", 0)
    rig.render(96)
    assert set(levels(rig)[PLAY + 6 :]) == {-3.0}
    mutes = [state.value("/mute") for state in rig.timeline.states[PLAY + 10 : PLAY + 18]]
    assert mutes == [0, 0, 1, 1] * 2


def test_clients_are_notified_of_looped_motion() -> None:
    rig, other = recorded(), FakeSender("other")
    rig.send(build_msg("/notify", 1).dgram, other)
    rig.render(PLAY, 4)
    rig.pass_time()
    other.replies.clear()
    rig.render(8)
    rig.pass_time()
    told = {reply.address: reply.arguments for reply in other.replies}
    assert told["/level"] == (-3.0,) and told["/motion/play"] == (1,)


def test_changes_beyond_the_recorder_s_capacity_are_dropped_with_a_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(motion, "MAX_CHANGES", 1)
    rig = recorded()
    rig.render(96)
    assert "is full" in caplog.text
    assert levels(rig)[PLAY : PLAY + LENGTH] == [-20.0] * 5 + [-3.0] * 19


def test_a_loop_without_length_or_changes_plays_nothing() -> None:
    rig = ControlRig()
    for address in ("/motion/record", "/motion/play"):
        say(rig, 5, address, 1)
    say(rig, 5, "/motion/record", 0)
    rig.render(32)
    say(rig, 40, "/motion/record", 1)
    say(rig, 50, "/motion/record", 0)
    rig.render(64)
    assert rig.timeline.states[-1].value("/motion/play") == 1
    assert len({state.values for state in rig.timeline.states[50:]}) == 1
