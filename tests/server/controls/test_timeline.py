"""Timed changes: exact to the frame for any block size, clock and order of arrival."""

from __future__ import annotations

import math

import numpy as np
import pytest
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message_builder import build_msg

from server.controls import timeline
from server.controls.desk import Desk, Snapshot
from server.controls.events import Event, Panic, Play, SetControl, Stop
from server.controls.replies import Reply
from server.controls.sample_clock import SampleClock
from server.controls.table import control_table
from server.controls.timeline import Timeline, TimelineFull
from server.osc.time_tags import time_tag, unix_s
from tests import mini_bundle
from tests.server.control_inputs import FRAME_S, ControlRig, at

HOP = mini_bundle.HOP
BLOCKS = [1, 4, 16]


def mute(value: float) -> SetControl:
    return SetControl("/mute", (value,))


def level(value: float) -> SetControl:
    return SetControl("/level", (value,))


def made(start_s: float = 0.0, frame_s: float = 0.01) -> Timeline:
    return Timeline(Desk(control_table(4)), SampleClock(frame_s, start_s))


def frames_of(line: Timeline, frames: int, block: int) -> list[Snapshot]:
    taken = []
    for _ in range(frames // block):
        segments = line.segments(block)
        assert sum(segment.frames for segment in segments) == block
        taken += [segment.state for segment in segments for _ in range(segment.frames)]
    return taken


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("time_s", [0.0, 0.004, 0.006, 0.1, 0.1234, 0.155, 0.31])
def test_a_change_happens_in_the_frame_nearest_to_its_time(block: int, time_s: float) -> None:
    line = made()
    line.schedule(time_s, (level(-3.0),))
    levels = [state.value("/level") for state in frames_of(line, 48, block)]
    first = levels.index(-3.0)
    assert abs(first * 0.01 - time_s) <= 0.005 + 1e-9
    assert set(levels[:first]) <= {-12.0} and set(levels[first:]) == {-3.0}


@pytest.mark.parametrize("block", BLOCKS)
def test_changes_due_together_happen_in_one_frame_and_in_order_of_time(
    block: int,
) -> None:
    line = made()
    line.schedule(0.2, (level(-1.0), mute(1.0)))
    line.schedule(0.1, (level(-2.0),))
    line.schedule(0.1, (level(-3.0),))
    states = frames_of(line, 32, block)
    assert [state.value("/level") for state in states] == [-12.0] * 10 + [-3.0] * 10 + [-1.0] * 12
    assert [state.value("/mute") for state in states] == [0.0] * 20 + [1.0] * 12


@pytest.mark.parametrize("block", BLOCKS)
def test_the_desk_holds_carried_out_changes_and_can_be_changed_further(block: int) -> None:
    line = made()
    line.schedule(0.05, (level(-3.0),))
    frames_of(line, 16, block)
    assert line.snapshot().value("/level") == -3.0
    line._desk.apply([mute(1.0)])
    (last,) = {state.values for state in frames_of(line, 16, block)}
    assert last == line.snapshot().values and line.snapshot().value("/mute") == 1.0


def test_late_events_are_carried_out_in_the_next_frame_and_reported() -> None:
    told: list[tuple[tuple[Event, ...], float, float]] = []
    line = Timeline(Desk(control_table(4)), SampleClock(0.01), lambda *said: told.append(said))
    frames_of(line, 16, 8)
    line.schedule(0.1, (level(-3.0),))
    line.schedule(0.2, (mute(1.0),))
    states = frames_of(line, 8, 8)
    assert states[0].value("/level") == -3.0
    assert [due for _, due, _ in told] == [0.1, 0.2]
    assert [late for _, _, late in told] == pytest.approx([0.06, 0.0])


def test_scheduling_more_than_the_maximum_fails_and_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(timeline, "MAX_WAITING", 4)
    line = made()
    line.schedule(0.1, (level(-3.0),) * 3)
    with pytest.raises(TimelineFull, match="3 messages wait for their time and 2 more"):
        line.schedule(0.1, (mute(1.0),) * 2)
    line.schedule(0.1, (level(-4.0),))
    assert line.waiting == 4
    frames_of(line, 16, 16)
    assert line.waiting == 0 and line.snapshot().value("/mute") == 0.0


def test_cleared_events_do_not_happen_and_free_their_places() -> None:
    line = made()
    line.schedule(0.1, (level(-3.0),))
    line.clear()
    line.schedule(0.05, (mute(1.0),))
    frames_of(line, 16, 16)
    state = line.snapshot()
    assert (state.value("/level"), state.value("/mute"), line.waiting) == (-12.0, 1.0, 0)


def test_clock_drift_is_followed_and_never_changes_the_order() -> None:
    """The sound card's clock is 200 ppm slow and every measurement is rough; two minutes."""
    generator = np.random.default_rng(3)
    dues: list[float] = []

    def carried_out(events: tuple[Event, ...], due_s: float, late_s: float) -> None:
        assert late_s == 0.0
        dues.append(due_s)

    line = Timeline(Desk(control_table(4)), SampleClock(0.01), carried_out)
    errors_s = []
    for block in range(3000):
        true_s = line.next_frame * 0.01 * 1.0002
        line.clock.observe(line.next_frame, true_s + generator.uniform(-0.01, 0.01))
        if block > 500:
            errors_s.append(line.clock.time_of(line.next_frame) - true_s)
        line.schedule(true_s + generator.uniform(0.04, 0.3), (level(float(block)),))
        line.segments(4)
    assert len(dues) > 2900 and dues == sorted(dues)
    assert np.abs(errors_s).max() < 0.005


def test_a_clock_jump_is_followed_at_once() -> None:
    clock = SampleClock(0.01)
    clock.observe(0, 100.0)
    clock.observe(4, 100.042)
    assert clock.time_of(4) == pytest.approx(100.041)
    clock.observe(8, 3700.0)
    assert clock.time_of(8) == 3700.0 and clock.frame_at(3700.02) == 10


NTP_2036_S = 2**32 - 2_208_988_800


@pytest.mark.parametrize("now_s", [0.0, 1_700_000_000.0, NTP_2036_S - 1.0, NTP_2036_S + 1.0, 5e9])
@pytest.mark.parametrize("away_s", [-3600.0, -1.5, 0.0, 0.25, 1.5, 3600.0])
def test_a_time_tag_means_the_time_nearest_to_now_in_any_ntp_era(
    now_s: float, away_s: float
) -> None:
    assert unix_s(time_tag(now_s + away_s), now_s) == pytest.approx(now_s + away_s, abs=1e-6)


def test_the_second_ntp_era_begins_in_2036() -> None:
    assert time_tag(NTP_2036_S) == 0
    assert unix_s(0, NTP_2036_S - 10.0) == NTP_2036_S
    assert unix_s(2**64 - 2**32, NTP_2036_S + 10.0) == NTP_2036_S - 1


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("ahead_frames", [5.4, 21.0, 30.6])
def test_a_time_tagged_bundle_moves_the_decoder_at_its_frame(
    block: int, ahead_frames: float
) -> None:
    rig = ControlRig()
    rig.put_decks()
    rig.send(at(rig.now_s + ahead_frames * FRAME_S, ("/interp/style", 1.0), ("/mute", 1)))
    rig.render(48, block)
    moved = np.flatnonzero(rig.session.style[0] > 0)
    assert abs(moved[0] - ahead_frames) <= 0.5
    assert len(rig.session.styles) == 48 // block
    assert rig.sender.replies == []


def test_the_decoder_gets_the_same_input_for_any_block_size() -> None:
    def play(block: int) -> np.ndarray:
        rig = ControlRig()
        rig.put_decks()
        for frame in (3.0, 10.3, 11.0, 29.7):
            rig.send(at(rig.now_s + frame * FRAME_S, ("/interp/style", frame / 30)))
        rig.render(48, block)
        return rig.session.style

    for block in BLOCKS[1:]:
        np.testing.assert_allclose(play(block), play(1), atol=1e-6)


@pytest.mark.parametrize("block", BLOCKS)
def test_play_and_stop_are_on_time_and_the_playhead_moves_between_them(block: int) -> None:
    rig = ControlRig(playing=False)
    rig.put_decks()
    rig.desk.apply([level(0.0)])
    for frame, address in ((5, "/play"), (37, "/stop")):
        builder = OscBundleBuilder(rig.now_s + frame * FRAME_S)
        builder.add_content(build_msg(address))
        rig.send(builder.build().dgram)
    audio = np.concatenate([rig.engine.render(block)[0] for _ in range(64 // block)])
    sounding = np.flatnonzero(np.abs(audio) > 1e-4) // HOP
    # The limiter looks ahead, the gate takes 10 ms to close.
    assert 5 <= sounding[0] <= 7
    ramp_frames = math.ceil(0.01 / FRAME_S)
    assert rig.engine.playhead.position_frames == 32 + ramp_frames
    assert sounding[-1] <= 37 + ramp_frames + 2
    assert not rig.desk.snapshot().playing


def test_a_query_in_a_timed_bundle_is_answered_at_its_time() -> None:
    rig = ControlRig()
    builder = OscBundleBuilder(rig.now_s + 10 * FRAME_S)
    builder.add_content(build_msg("/level", -3.0))
    builder.add_content(build_msg("/level"))
    rig.send(builder.build().dgram)
    rig.render(8)
    assert rig.sender.replies == []
    rig.render(4)
    assert rig.sender.replies == [Reply("/level", (-3.0,))]


def test_a_bundle_tagged_immediately_runs_at_once() -> None:
    rig = ControlRig()
    builder = OscBundleBuilder(IMMEDIATELY)
    builder.add_content(build_msg("/level", -3.0))
    rig.send(builder.build().dgram)
    assert rig.desk.snapshot().value("/level") == -3.0
    assert (rig.scheduler.late, rig.scheduler.waiting) == (0, 0)


def test_late_bundles_run_at_once_are_counted_and_reported_once_a_second() -> None:
    rig = ControlRig()
    rig.render(100)
    rig.now_s += 100 * FRAME_S
    due_s = rig.now_s - 0.25
    rig.send(at(due_s, ("/level", -3.0), ("/mute", 1)))
    assert rig.desk.snapshot().value("/level") == -3.0
    rig.send(at(due_s, ("/level", -4.0)))
    (reply,) = rig.sender.replies
    high, low, ran_high, ran_low, late_s, messages = reply.arguments
    assert reply.address == "/late" and messages == 2 and late_s == pytest.approx(0.25, abs=0.001)
    tags = [
        ((a & 0xFFFFFFFF) << 32) + (b & 0xFFFFFFFF) for a, b in ((high, low), (ran_high, ran_low))
    ]
    assert [unix_s(tag, rig.now_s) for tag in tags] == pytest.approx([due_s, rig.now_s])
    rig.now_s += 1.0
    rig.send(at(due_s, ("/level", -5.0)))
    assert rig.sender.replies[-1].arguments[-1] == 2
    assert rig.scheduler.late == 4


def test_a_bundle_too_far_ahead_runs_at_once_and_is_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rig = ControlRig()
    rig.send(at(rig.now_s + 61.0, ("/level", -3.0)))
    assert rig.desk.snapshot().value("/level") == -3.0
    assert (rig.scheduler.far_ahead, rig.scheduler.late, rig.sender.replies) == (1, 0, [])
    assert "a time tag 61 s ahead (at most 60) was carried out now" in caplog.text
    rig.send(at(rig.now_s + 59.0, ("/level", -5.0)))
    assert (rig.scheduler.waiting, rig.desk.snapshot().value("/level")) == (1, -3.0)


def test_a_full_queue_is_reported_and_waiting_bundles_still_happen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(timeline, "MAX_WAITING", 2)
    rig = ControlRig()
    rig.send(at(rig.now_s + 0.05, ("/level", -3.0), ("/mute", 1)))
    rig.send(at(rig.now_s + 0.05, ("/level", -5.0)))
    (reply,) = rig.sender.replies
    assert reply.address == "/fail" and reply.arguments[0] == "#bundle"
    rig.render(64)
    assert rig.desk.snapshot().value("/level") == -3.0


def test_panic_clears_the_queue() -> None:
    rig = ControlRig()
    rig.desk.apply([Stop()])
    builder = OscBundleBuilder(rig.now_s + 0.05)
    builder.add_content(build_msg("/play"))
    rig.send(builder.build().dgram)
    rig.dispatch((Panic(),))
    rig.render(64)
    assert not rig.desk.snapshot().playing
    rig.dispatch((Play(),))
    assert rig.desk.snapshot().playing
