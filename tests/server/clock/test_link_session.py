"""The playhead follows a Link session: its bar, its tempo, its start and stop."""

from __future__ import annotations

import numpy as np
import pytest

from tests.server.clock.performance import Performance
from tests.server.control_inputs import FakeLink

BEGUN_S = -2.5 * 0.5
"""The time of the session's beat 0, at 120 bpm."""


def joined(playing: bool = True) -> tuple[Performance, FakeLink]:
    """Play alone for a second, then in someone else's session at 120 bpm."""
    performance = Performance(block=6)
    if playing:
        performance.say("/play")
    performance.say("/tempo", 120.0)
    performance.play((), 1.0)
    performance.say("/clock", "link")
    (link,) = performance.rig.links
    return performance, link


def change_tempo(link: FakeLink, performance: Performance, bpm: float) -> None:
    """Change the tempo as another peer; the beat goes on from where it is."""
    link.beat, link.at_s = link.line.beat, performance.rig.now_s
    link.tempo_bpm = bpm


def test_the_playhead_joins_at_the_session_s_place_in_the_bar() -> None:
    performance, _ = joined()
    performance.play((), 6.0)
    assert np.abs(performance.off_frames(120.0, BEGUN_S, 5.0, unit=4.0)).max() < 1
    assert [state.beat_jumps for state in performance.rig.timeline.states][-1] == 1
    assert performance.rig.clocks.status()["clock_locked"] == 1


def test_a_loop_without_whole_bars_joins_on_the_beat() -> None:
    performance, _ = joined()
    performance.say("/loop", 0.0, 0.6)  # five beats
    performance.play((), 6.0)
    assert np.abs(performance.off_frames(120.0, BEGUN_S, 5.0, unit=1.0)).max() < 1


@pytest.mark.parametrize("bpm", [100.0, 150.0])
def test_a_tempo_change_is_followed_within_a_bar(bpm: float) -> None:
    performance, link = joined()
    performance.play((), 3.0)
    change_tempo(link, performance, bpm)
    begun_s = performance.now_s - link.beat * 60 / bpm
    performance.play((), 6.0)
    off = performance.off_frames(bpm, begun_s, link.beat + 4.0, unit=4.0)
    assert np.abs(off).max() < 1


def test_a_session_found_later_is_joined_in_its_bar() -> None:
    performance, link = joined()
    performance.play((), 3.0)
    link.beat += 1.6
    performance.play((), 6.0)
    begun_s = BEGUN_S - 1.6 * 0.5
    assert np.abs(performance.off_frames(120.0, begun_s, 12.5, unit=4.0)).max() < 1


def test_a_start_by_a_peer_starts_the_loop_at_the_next_bar() -> None:
    performance, link = joined(playing=False)
    performance.play((), 1.0)
    beat = link.line.beat
    link.is_playing = True
    performance.play((), 6.0)
    bar_s = BEGUN_S + 0.5 * 4 * np.ceil(beat / 4)
    assert np.abs(performance.off_frames(120.0, bar_s, 0.5)).max() < 1
    link.is_playing = False
    performance.play((), 0.2)
    assert not performance.rig.desk.snapshot().playing


def test_play_and_stop_reach_the_peers_and_do_not_restart_the_loop() -> None:
    performance, link = joined(playing=False)
    performance.play((), 1.0)
    performance.say("/play")
    assert link.is_playing
    performance.play((), 4.0)
    jumps = [state.beat_jumps for state in performance.rig.timeline.states]
    assert jumps[-1] == 1  # to the nearest place of the bar, once
    assert np.abs(performance.off_frames(120.0, BEGUN_S, 8.0, unit=4.0)).max() < 1
    performance.say("/stop")
    assert not link.is_playing


def test_tempo_and_position_stay_when_the_peers_leave() -> None:
    performance, link = joined()
    performance.play((), 3.0)
    link.peers = 0
    performance.play((), 3.0)
    assert np.abs(performance.off_frames(120.0, BEGUN_S, 8.0, unit=4.0)).max() < 1
    assert performance.rig.desk.snapshot().value("/tempo") == 120
