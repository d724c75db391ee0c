"""The playhead on the beat of a clock, as heard: the real engine, block by block."""

from __future__ import annotations

import numpy as np
import pytest
from mido import Message

from tests.server.clock.performance import DECK_TICKS, PER_TICK, Performance, Sent, ticks

BEFORE_BEATS = 4


def song(bpm: float, beats: float, jitter_s: float = 0.0) -> tuple[list[Sent], float]:
    """Four beats of ticks, Start, and ``beats`` more of ticks; and when the song begins."""
    tick_s = 60 / bpm / 24
    begun_s = 0.01 + BEFORE_BEATS * 60 / bpm
    running = ticks(bpm, BEFORE_BEATS + beats, 0.01, jitter_s)
    return sorted([*running, (begun_s - tick_s / 2, Message("start"))], key=lambda s: s[0]), begun_s


@pytest.mark.parametrize(
    ("block", "bpm"), [(1, 120.0), (4, 174.0), (6, 61.0), (24, 61.0), (24, 240.0)]
)
@pytest.mark.parametrize("jitter_s", [0.0, 0.003])
def test_the_loop_is_on_the_beat_after_four_beats(block: int, bpm: float, jitter_s: float) -> None:
    performance = Performance(block=block)
    performance.say("/clock", "midi")
    sent, begun_s = song(bpm, 14, jitter_s)
    performance.play(sent, begun_s + 14 * 60 / bpm)
    off = performance.off_frames(bpm, begun_s, 4.0)
    print(f"{bpm} bpm, block {block}, jitter {jitter_s}: {np.abs(off).max():.2f} frames")
    assert np.abs(off).max() < 1


def test_a_burst_of_late_ticks_does_not_take_the_loop_off_the_beat() -> None:
    """On every third beat four ticks are delayed and come at once, as from a busy machine."""
    performance = Performance(block=6)
    performance.say("/clock", "midi")
    sent, begun_s = song(120.0, 24)
    held = [
        (sent[n | 3][0] + 0.001 if n // 4 % 18 == 0 and (n | 3) < len(sent) else at_s, message)
        for n, (at_s, message) in enumerate(sent)
    ]
    assert held != sent
    performance.play(held, begun_s + 12)
    assert np.abs(performance.off_frames(120.0, begun_s, 4.0)).max() < 1


def test_lost_or_doubled_ticks_are_counted_correctly() -> None:
    performance = Performance(block=6)
    performance.say("/clock", "midi")
    sent, begun_s = song(120.0, 32, 0.001)
    for n in (250, 400, 401):
        del sent[n]
    sent[550:550] = [sent[550]]
    performance.play(sent, begun_s + 16)
    off = np.abs(performance.off_frames(120.0, begun_s, 0.0))
    beats = 2 * np.arange(off.size) * 0.004
    assert off[beats >= 28].max() < 1
    assert off[beats >= 4].max() < 8  # a tick is five frames


@pytest.mark.parametrize("bpm", [90.0, 112.0, 128.0, 170.0])
def test_a_tempo_change_is_followed_within_a_bar(bpm: float) -> None:
    performance = Performance(block=6)
    performance.say("/clock", "midi")
    sent, begun_s = song(120.0, 8, 0.002)
    changed_s = begun_s + 4
    after = ticks(bpm, 12, changed_s, 0.002)
    performance.play([*sent, *after], changed_s + 12 * 60 / bpm)
    off = performance.off_frames(bpm, changed_s, 4.0)
    print(f"120 to {bpm}: {np.abs(off).max():.2f} frames")
    assert np.abs(off).max() < 1
    assert performance.rig.desk.snapshot().value("/tempo") == pytest.approx(bpm, abs=0.3)


def test_a_ritardando_is_followed() -> None:
    performance = Performance(block=6)
    performance.say("/clock", "midi")
    sent, begun_s = song(120.0, 8)
    time_s, slower = begun_s + 4, []
    for bpm in np.linspace(120, 90, 8 * 24):
        slower.append((time_s, Message("clock")))
        time_s += 60 / bpm / 24
    end = ticks(90.0, 8, time_s)
    performance.play([*sent, *slower, *end], time_s + 5)
    assert np.abs(performance.off_frames(90.0, time_s, 0.0)).max() < 8
    assert np.abs(performance.off_frames(90.0, time_s, 4.0)).max() < 1


def test_song_position_and_continue_jump_to_that_beat_of_the_loop() -> None:
    performance = Performance(block=6)
    performance.say("/clock", "midi")
    sent, begun_s = song(120.0, 40)
    stopped_s = begun_s + 4.49
    moved = [
        (stopped_s, Message("stop")),
        (stopped_s + 1.0, Message("songpos", pos=4 * 13)),
        (stopped_s + 1.5, Message("continue")),
    ]
    continued_s = begun_s + 6.0  # the next tick
    performance.play([*sent, *moved], begun_s + 16)
    off = performance.off_frames(120.0, continued_s - 13 * 0.5, 17.0)
    assert np.abs(off).max() < 1
    played = performance.frames
    held = played[round((stopped_s + 0.2) / 0.004) : round((stopped_s + 1.3) / 0.004)]
    assert np.ptp(held) == 0


def test_continue_resumes_where_stop_was() -> None:
    performance = Performance(block=6)
    performance.say("/clock", "midi")
    sent, begun_s = song(120.0, 40)
    tick_s = 0.5 / 24
    stop = (begun_s + 84.5 * tick_s, Message("stop"))  # 85 ticks were played
    go_on = (begun_s + 140.5 * tick_s, Message("continue"))
    performance.play([*sent, stop, go_on], begun_s + 12)
    begun_again_s = begun_s + (141 - 85) * tick_s
    assert np.abs(performance.off_frames(120.0, begun_again_s, 11.0)).max() < 1


def test_a_second_start_restarts_the_loop() -> None:
    performance = Performance(block=6)
    performance.say("/clock", "midi")
    sent, begun_s = song(120.0, 24)
    again_s = begun_s + 5 * 0.5 + 7 * 0.5 / 24
    performance.play([*sent, (again_s - 0.005, Message("start"))], begun_s + 10)
    assert np.abs(performance.off_frames(120.0, again_s, 0.5)).max() < 1


def test_a_clock_that_ticks_only_after_start_is_followed() -> None:
    performance = Performance(block=6)
    performance.say("/clock", "midi")
    performance.play([(0.1, Message("start")), *ticks(100.0, 12, 0.102)], 7.2)
    state = performance.rig.timeline.states[40]
    assert state.playing  # at once, though nobody knows how fast yet
    assert np.abs(performance.off_frames(100.0, 0.102, 4.0)).max() < 1


def test_the_first_beat_is_shortened_by_the_output_latency() -> None:
    performance = Performance(block=1)
    performance.say("/clock", "midi")
    sent, begun_s = song(120.0, 2)
    performance.play(sent, begun_s + 1)
    first = 1 + int(np.flatnonzero(np.diff(performance.frames))[0])
    assert performance.loop_beats[first] == pytest.approx(2 * 0.105, abs=0.1)


def nudges(performance: Performance) -> np.ndarray:
    """``/nudge`` in every frame."""
    return np.array([state.value("/nudge") for state in performance.rig.timeline.states])


def started(bpm: float = 120.0, beats: float = 24.0, block: int = 6) -> tuple[Performance, float]:
    """Return a performance that has been on the beat for six beats, and when the song began."""
    performance = Performance(block=block)
    performance.say("/clock", "midi")
    sent, begun_s = song(bpm, beats)
    performance.play(sent, begun_s + 6 * 60 / bpm)
    return performance, begun_s


def test_on_the_beat_the_playhead_is_not_nudged() -> None:
    performance, _ = started()
    assert np.abs(nudges(performance)[-100:]).max() == 0
    status = performance.rig.clocks.status()
    assert status["clock_locked"] == 1 and abs(float(status["clock_error_ms"])) < 0.3


def test_off_the_beat_the_playhead_is_nudged_by_ten_per_cent_at_most() -> None:
    performance, _ = started()
    performance.rig.engine.playhead.beat += 0.3  # as after sound broke off
    performance.play((), 5.0)
    moved = nudges(performance)
    assert moved.min() == -10 and moved.max() <= 0.5
    assert np.abs(performance.rig.lock.error_s or 1.0) < 0.001


def test_tempo_and_playhead_go_on_when_the_clock_disappears(
    caplog: pytest.LogCaptureFixture,
) -> None:
    performance, _ = started()
    there = performance.frames.size
    performance.coming.clear()
    performance.play((), 3.0)
    steps = np.diff(performance.frames[there - 1 :])
    np.testing.assert_allclose(steps[steps > 0], 120 / 110, rtol=2e-3)
    (said,) = caplog.messages
    assert said == "MIDI clock has stopped; the tempo stays at 120.0 bpm"
    status = performance.rig.clocks.status()
    assert status["clock_bpm"] == 0 and status["clock_locked"] == 0
    performance.play([(performance.now_s, Message("stop"))], 1.0)
    assert not performance.rig.desk.snapshot().playing


def test_no_warning_when_the_clock_is_stopped_before_it_disappears(
    caplog: pytest.LogCaptureFixture,
) -> None:
    performance, _ = started()
    performance.coming.clear()
    performance.play([(performance.now_s, Message("stop"))], 3.0)
    assert not caplog.messages


def test_back_on_the_internal_clock_the_playhead_goes_on_where_it_is() -> None:
    performance, _ = started()
    there = performance.frames.size
    performance.say("/clock", "internal")
    performance.play((), 0.5)
    steps = np.diff(performance.frames[there - 1 :])
    np.testing.assert_allclose(steps, 120 / 110, rtol=2e-3)
    assert performance.rig.desk.snapshot().value("/nudge") == 0


def test_midi_clock_chosen_mid_song_is_joined_on_the_nearest_beat() -> None:
    performance = Performance(block=6)
    performance.say("/play")
    sent, begun_s = song(120.0, 32)
    performance.play(sent, begun_s + 2.1)
    performance.say("/clock", "midi")
    performance.play((), 6)
    jumps = [state.beat_jumps for state in performance.rig.timeline.states]
    assert jumps[-1] == 1
    assert np.abs(performance.off_frames(120.0, begun_s, 9.0, unit=1.0)).max() < 1


def test_without_a_start_only_the_tempo_is_followed() -> None:
    performance = Performance(block=6)
    performance.say("/play")
    performance.say("/clock", "midi")
    performance.play(ticks(120.0, 10, 0.01), 5)
    state = performance.rig.desk.snapshot()
    assert state.value("/tempo") == pytest.approx(120, abs=0.1)
    assert state.beat_jumps == 0 and not nudges(performance).any()


def test_a_manual_jump_keeps_the_beat() -> None:
    performance, begun_s = started()
    performance.say("/position", 0.53)
    performance.play((), 4)
    off = performance.off_frames(120.0, begun_s, 4.0, unit=1.0)
    assert np.abs(off).max() < 1
    assert np.abs(performance.off_frames(120.0, begun_s, 12.0)).min() > 1  # it did jump


@pytest.mark.parametrize(("address", "there", "back"), [("/freeze", 1, 0), ("/speed", 2.0, 1.0)])
def test_the_playhead_returns_to_the_beat_after_a_freeze_or_another_speed(
    address: str, there: float, back: float
) -> None:
    performance, begun_s = started()
    performance.say("/glide", "/speed", 0.0)
    performance.say(address, there)
    performance.play((), 0.7)
    assert performance.rig.clocks.status()["clock_locked"] == 0
    assert performance.rig.desk.snapshot().value("/nudge") == 0
    again_s = performance.now_s
    performance.say(address, back)
    performance.play((), 5)
    from_beat = (again_s + 0.2 - begun_s) * 2
    assert np.abs(performance.off_frames(120.0, begun_s, from_beat, unit=1.0)).max() < 1


def test_a_deck_without_beats_starts_with_the_song_at_its_own_tempo() -> None:
    performance = Performance(block=6, beats=None)
    performance.say("/clock", "midi")
    sent, begun_s = song(120.0, 4)
    performance.play(sent, begun_s + 2)
    started_from = int(np.flatnonzero(np.diff(performance.frames))[0]) + 1
    read = performance.frames[started_from:]
    np.testing.assert_allclose(np.diff(read), 1.0, atol=1e-9)
    since_s = performance.heard_s[started_from] - begun_s
    assert read[0] == pytest.approx(since_s / 0.004, abs=1)
    assert performance.rig.clocks.status()["clock_locked"] == 0


@pytest.mark.parametrize("held_s", [0.0, 0.3])
def test_a_note_begins_when_it_is_struck_and_the_song_goes_on_in_time(held_s: float) -> None:
    performance, begun_s = started()
    performance.say("/note", 40, 100)  # slice 4
    there = performance.frames.size
    performance.play((), held_s)
    performance.say("/note", 40, 0)
    performance.play((), 3.0)
    slice_frames = DECK_TICKS * PER_TICK / 16
    struck = performance.frames[there : there + 24]
    np.testing.assert_allclose(struck, 4 * slice_frames + np.arange(24) * 120 / 110, atol=0.1)
    from_beat = (performance.heard_s[there] + held_s + 0.4 - begun_s) * 2
    assert np.abs(performance.off_frames(120.0, begun_s, from_beat, unit=1.0)).max() < 1


@pytest.mark.parametrize("pitch", [-5.0, 7.0])
def test_transposed_playback_keeps_the_beat_without_nudges(pitch: float) -> None:
    performance = Performance(block=2)
    performance.say("/clock", "midi")
    performance.say("/pitch", pitch)
    sent, begun_s = song(120.0, 14)
    performance.play(sent, begun_s + 6)
    pushed = nudges(performance)[-500:]
    print(f"pitch {pitch}: {pushed.min()} to {pushed.max()} %")
    assert np.abs(pushed).max() < 1
    assert abs(float(performance.rig.clocks.status()["clock_error_ms"])) < 2
