"""The clock's controls, set by hand: /nudge and /beat, and decks that keep the beat of a clock."""

from __future__ import annotations

import numpy as np
import pytest

from server.engine.playhead import Playhead
from tests.server.engine.test_aligned_decks import (
    A_BEAT,
    A,
    at_frame,
    beats,
    off_beat,
    places,
    rig,
    say,
)


@pytest.mark.parametrize("nudge", [-10.0, 3.5, 10.0])
@pytest.mark.parametrize("speed", [1.0, -2.0])
def test_a_nudge_is_a_percentage_of_the_speed_from_its_frame_on(nudge: float, speed: float) -> None:
    controls = rig()
    say(controls, "/glide", "/speed", 0.0)
    say(controls, "/speed", speed)
    controls.render(16)
    at_frame(controls, 21, "/nudge", [nudge])
    controls.render(48, 16)
    a, b = beats(controls)
    for read, length in ((a, 8), (b, 6)):
        steps = np.diff(read)[16:]
        steps -= length * np.round(steps / length)
        np.testing.assert_allclose(steps[:5], speed / A_BEAT, atol=1e-9)
        np.testing.assert_allclose(steps[5:], speed * (1 + nudge / 100) / A_BEAT, atol=1e-9)
    assert off_beat(controls) < 1e-6
    assert controls.engine.tempo_bpm == A.tempo_bpm  # of the music, not of the moment


@pytest.mark.parametrize("clock", ["internal", "midi"])
@pytest.mark.parametrize(
    ("beat", "a_at", "b_at"), [(0, 0, 0), (2.25, 2.25, 2.25), (37.5, 5.5, 1.5)]
)
def test_a_jump_to_a_beat_takes_each_deck_to_that_beat_of_its_own_loop(
    clock: str, beat: float, a_at: float, b_at: float
) -> None:
    controls = rig()
    say(controls, "/clock", clock)
    controls.render(13, 1)
    at_frame(controls, 37, "/beat", [beat])
    controls.render(35, 1)
    a, b = beats(controls)
    assert (a[37], b[37]) == pytest.approx((a_at, b_at))
    assert controls.engine.playhead.beat == pytest.approx(beat + 11 / A_BEAT)
    assert off_beat(controls) < 1e-6


def test_the_same_beat_again_jumps_again() -> None:
    controls = rig()
    for frame in (10, 40):
        at_frame(controls, frame, "/beat", [1.0])
    controls.render(60)
    assert [places(controls)[0][n] for n in (10, 40)] == pytest.approx([24.0, 24.0])


def test_a_deck_without_beats_jumps_by_the_length_of_the_beats() -> None:
    controls = rig(b=None)
    say(controls, "/tempo", A.tempo_bpm / 2)
    controls.render(12)
    say(controls, "/beat", 3.0)
    controls.render(4)
    a, b = places(controls)
    assert (a[12], b[12]) == pytest.approx((3 * A_BEAT, 3 * A_BEAT))  # a alone has beats


def test_a_deck_loaded_later_is_where_the_last_beat_jump_would_have_taken_it() -> None:
    controls = rig(b=None)
    say(controls, "/beat", 3.0)
    controls.render(8)
    playhead: Playhead = controls.engine.playhead
    assert playhead.share_of_loop(50) == 0.0  # nobody has met one of that length
    controls.engine.put_deck("b", controls.engine.decks["a"])
    controls.render(4)
    assert playhead.beats_of_loop is None  # one deck alone is not aligned
    say(controls, "/clock", "midi")
    controls.render(4)
    # Not aligned, its loop began at the deck's first frame; in beats, at its first beat.
    assert playhead.beats_of_loop == pytest.approx((3 + (16 - 4) / A_BEAT, 8.0), abs=1e-6)


def test_under_a_clock_even_one_deck_loops_over_whole_beats() -> None:
    controls = rig(b=None)
    say(controls, "/clock", "midi")
    say(controls, "/loop", 0.0, 0.29)
    controls.render(200)
    a, _ = beats(controls)
    assert a.min() == 0 and a.max() == pytest.approx(2 - 1 / A_BEAT)
    assert controls.engine.playhead.beats_of_loop is not None
    say(controls, "/interp/align", 0)
    controls.render(4)
    assert controls.engine.playhead.beats_of_loop is None


@pytest.mark.parametrize(("clock", "lands"), [("internal", 0.4 * 8), ("midi", 3.0)])
def test_under_a_clock_a_jump_keeps_the_beat(clock: str, lands: float) -> None:
    controls = rig()
    say(controls, "/clock", clock)
    controls.render(60)
    say(controls, "/position", 0.4)
    controls.render(4)
    assert beats(controls)[0][60] == pytest.approx(lands)
    assert off_beat(controls) < 1e-6


@pytest.mark.parametrize(
    ("address", "value"), [("/nudge", 10.5), ("/nudge", float("nan")), ("/beat", -1.0)]
)
def test_a_nudge_or_beat_out_of_range_is_refused(address: str, value: float) -> None:
    controls = rig()
    with pytest.raises(AssertionError, match="allowed are"):
        say(controls, address, value)
    assert controls.desk.snapshot().changes == 0
