"""A performance under a clock, replayed from its score without one, is the same."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from mido import Message

from server.controls.events import Event
from server.score.player import score_events
from server.score.score import open_score
from tests.server.clock.performance import LATENCY_S, Performance, ticks
from tests.server.control_inputs import FRAME_S, ControlRig


class Cues:
    """The changes of a score, by frame."""

    def __init__(self, path: Path, rig: ControlRig) -> None:
        self._moments = list(score_events(open_score(path, rig.table, {}), FRAME_S))

    def due(self, before_frame: int) -> Sequence[tuple[int, tuple[Event, ...]]]:
        due = [one for one in self._moments if one.frame < before_frame]
        del self._moments[: len(due)]
        return [(one.frame, one.events) for one in due]


def recorded(folder: Path) -> Performance:
    """Record a start, jitter, a tempo change, a manual jump, a song position, and a stop."""
    performance = Performance(ControlRig(playing=False, latency_s=LATENCY_S, media=folder), block=5)
    performance.rig.recorder.begin_named("take")
    performance.play((), 0.1)
    performance.say("/clock", "midi")
    performance.play([*ticks(120.0, 14, 0.1, 0.003), (2.2, Message("start"))], 5.0)
    performance.say("/position", 0.7)
    performance.play([*ticks(97.0, 12, 7.1, 0.003), (9.0, Message("songpos", pos=21))], 5.0)
    performance.play([(performance.now_s, Message("stop"))], 0.5)
    performance.rig.recorder.end()
    performance.play((), 0.1)
    performance.rig.recorder.close()
    return performance


def test_a_recorded_score_replays_the_same_sound_without_the_clock(tmp_path: Path) -> None:
    first = recorded(tmp_path)
    again = Performance(ControlRig(playing=True), block=5)  # as scores begin
    again.rig.timeline.play(Cues(tmp_path / "take.jsonl", again.rig))
    again.play((), first.now_s)
    played, repeated = first.frames, again.frames
    assert len(np.unique(np.round(np.diff(played), 6))) > 20  # it was pushed about
    np.testing.assert_array_equal(repeated[: played.size], played)
    theirs, ours = first.rig.session.structure, again.rig.session.structure
    np.testing.assert_array_equal(ours[:, : theirs.shape[1]], theirs)


def test_the_motion_recorder_does_not_record_the_clock() -> None:
    performance = Performance(block=6)
    performance.say("/clock", "midi")
    performance.say("/motion/record", 1)
    sent = [*ticks(120.0, 14, 0.1, 0.003), (2.2, Message("start"))]
    performance.play(sent, 4.0)
    performance.say("/interp", 0.5)
    performance.play((), 1.0)
    performance.say("/motion/record", 0)
    performance.play((), 0.1)
    assert performance.rig.timeline.motion.loop is not None
    changes, _ = performance.rig.timeline.motion.loop
    moved = {event.address for one in changes.values() for event in one}
    assert "/interp/style" in moved and not moved & {"/nudge", "/beat"}
