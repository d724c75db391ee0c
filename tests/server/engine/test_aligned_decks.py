"""Decks read in beats stay aligned at any speed, block size, loop and jump; others are read
plainly.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from pythonosc.osc_bundle_builder import OscBundleBuilder
from pythonosc.osc_message_builder import build_msg

from export.bundle.beats import Beats
from server.controls.replies import Reply
from server.engine.playhead import Playhead
from server.engine.playhead_motion import PlayheadMotion
from tests import mini_bundle
from tests.server.control_inputs import FRAME_S, ControlRig
from tests.server.fakes import fake_deck

PER_TICK = mini_bundle.TICK_FRAMES
A_BEAT, B_BEAT = 20.0, 25.0
"""Frames per beat as recorded: decks of just over 8 and 6 beats."""
A = Beats(60 / (A_BEAT * FRAME_S), 4 * FRAME_S, 1.0)
B = Beats(60 / (B_BEAT * FRAME_S), 7 * FRAME_S, 1.0)
A_TICKS, B_TICKS = 85, 80


def rig(b: Beats | None = B) -> ControlRig:
    controls = ControlRig()
    controls.engine.put_deck("a", fake_deck("a", 0.0, ticks=A_TICKS, beats=A))
    controls.engine.put_deck("b", fake_deck("b", 1.0, ticks=B_TICKS, beats=b))
    controls.places = []  # type: ignore[attr-defined]
    advance = controls.engine.playhead.advance

    def spy(motion: PlayheadMotion):  # type: ignore[no-untyped-def]
        positions = advance(motion)
        rows = [
            (positions.on(ticks, beats).ticks + 0.5) * PER_TICK - 0.5
            for ticks, beats in ((A_TICKS, A), (B_TICKS, b))
        ]
        controls.places.append(np.stack(rows))  # type: ignore[attr-defined]
        return positions

    controls.engine.playhead.advance = spy  # type: ignore[method-assign]
    return controls


def places(controls: ControlRig) -> np.ndarray:
    """The places at which decks a and b were read, frame by frame, in frames of the deck (2, N)."""
    return np.concatenate(controls.places, axis=1)  # type: ignore[attr-defined]


def beats(controls: ControlRig) -> np.ndarray:
    """The positions (2, N) in beats."""
    a, b = places(controls)
    return np.stack([(a - 4) / A_BEAT, (b - 7) / B_BEAT])


def off_beat(controls: ControlRig) -> float:
    """The largest distance between the two within the beat."""
    a, b = beats(controls)
    return float(np.abs((a - b + 0.5) % 1 - 0.5).max())


def say(controls: ControlRig, address: str, *values: float | str) -> None:
    controls.send(build_msg(address, list(values)).dgram)


def at_frame(
    controls: ControlRig, frame: float, address: str, values: Sequence[float | int]
) -> None:
    builder = OscBundleBuilder(controls.now_s + frame * FRAME_S)
    builder.add_content(build_msg(address, list(values)))
    controls.send(builder.build().dgram)


def test_beat_n_of_one_deck_meets_beat_n_of_the_other() -> None:
    controls = rig()
    controls.render(120)
    a, b = beats(controls)
    np.testing.assert_allclose(a, np.arange(120) / A_BEAT, atol=1e-9)
    np.testing.assert_allclose(b, a, atol=1e-9)


def test_each_deck_loops_over_its_own_whole_beats() -> None:
    controls = rig()
    controls.render(2000)
    a, b = beats(controls)
    played = np.arange(2000) / A_BEAT
    for read, length in ((a, 8), (b, 6)):
        away = (read - played + length / 2) % length - length / 2
        assert np.abs(away).max() < 1e-6


def test_the_decks_stay_aligned_over_a_long_time() -> None:
    controls = rig()
    say(controls, "/speed", 3.7)
    controls.render(20_000, block=500)
    assert off_beat(controls) < 1e-6


SCENE: list[tuple[int, str, list[float | int]]] = [
    (11, "/speed", [-1.5]),
    (40, "/interp", [0.6]),
    (52, "/tempo", [133.0]),
    (70, "/speed", [1.0]),
    (83, "/position", [0.37]),
    (99, "/loop", [0.3, 0.62]),
    (150, "/interp", [1.0]),
    (171, "/slice", [5]),
    (230, "/loop", [0.9, 0.2]),
    (301, "/position", [0.8]),
    (333, "/tempo", [0]),
    (350, "/freeze", [1]),
    (361, "/freeze", [0]),
    (400, "/loop", [0.0, 1.0]),
]


@pytest.mark.parametrize("block", [1, 4, 16])
def test_no_control_takes_the_decks_off_the_beat(block: int) -> None:
    controls = rig()
    for frame, address, values in SCENE:
        at_frame(controls, frame, address, values)
    controls.render(560, block)
    assert off_beat(controls) < 1e-3
    assert len(np.unique(np.round(places(controls)[0], 3))) > 100


def test_block_size_does_not_matter() -> None:
    def play(block: int) -> np.ndarray:
        controls = rig()
        for frame, address, values in SCENE:
            at_frame(controls, frame, address, values)
        controls.render(560, block)
        return places(controls)

    for block in (4, 16):
        np.testing.assert_allclose(play(block), play(1), atol=1e-6)


def test_a_jump_takes_the_first_deck_to_the_exact_position() -> None:
    controls = rig()
    controls.render(50)
    at_frame(controls, 61, "/position", [0.4])
    controls.render(50, 1)
    a, b = beats(controls)
    assert a[61] == pytest.approx(0.4 * 8)
    assert b[61] == pytest.approx(2.2)  # 0.4 of 6 beats is 2.4


def test_loops_are_whole_beats() -> None:
    controls = rig()
    say(controls, "/loop", 0.26, 0.49)  # of a: 44.2 to 83.3 frames, of b: 41.6 to 78.4
    say(controls, "/position", 0.0)
    controls.render(200)
    a, b = beats(controls)
    assert (a.min(), b.min()) == pytest.approx((2, 1))
    assert a.max() < 4 and b.max() < 2 + 0.001
    assert off_beat(controls) < 1e-6


def test_speed_multiplies_the_tempo() -> None:
    controls = rig()
    say(controls, "/tempo", A.tempo_bpm / 2)
    say(controls, "/glide", "/speed", 0.0)
    say(controls, "/speed", 3.0)
    controls.render(100)
    a, b = beats(controls)
    for read, length in ((a, 8), (b, 6)):
        np.testing.assert_allclose(np.diff(read) % length, 1.5 / A_BEAT, atol=1e-9)
    assert controls.engine.tempo_bpm == pytest.approx(A.tempo_bpm / 2)


def test_a_timed_tempo_changes_in_its_frame() -> None:
    controls = rig(b=None)
    at_frame(controls, 37, "/tempo", [A.tempo_bpm / 2])
    controls.render(64, 16)
    steps = np.diff(places(controls)[0])
    np.testing.assert_allclose(steps[:37], 1.0, atol=1e-9)
    np.testing.assert_allclose(steps[37:], 0.5, atol=1e-9)


def test_without_alignment_the_decks_run_as_recorded() -> None:
    controls = rig()
    say(controls, "/interp/align", 0)
    controls.render(400)
    a, b = places(controls)
    np.testing.assert_allclose(a, np.arange(400) % (A_TICKS * PER_TICK), atol=1e-9)
    np.testing.assert_allclose(b, np.arange(400) % (B_TICKS * PER_TICK), atol=1e-9)


def test_with_one_unknown_tempo_the_decks_are_not_aligned() -> None:
    known, unknown = rig(b=None), ControlRig()
    unknown.engine.put_deck("a", fake_deck("a", 0.0, ticks=A_TICKS))
    unknown.engine.put_deck("b", fake_deck("b", 1.0, ticks=B_TICKS))
    for controls in (known, unknown):
        for frame, address, values in SCENE:
            if address != "/tempo":
                at_frame(controls, frame, address, values)
        controls.render(480)
    np.testing.assert_array_equal(known.session.structure, unknown.session.structure)


def test_switching_alignment_on_moves_the_second_deck_to_the_beat_of_the_first() -> None:
    controls = rig()
    say(controls, "/interp/align", 0)
    controls.render(100)
    say(controls, "/interp/align", 1)
    controls.render(100)
    a, b = beats(controls)
    np.testing.assert_allclose(np.diff(a[:150]), 1 / A_BEAT, atol=1e-9)
    gap = (a[100:] - b[100:] + 0.5) % 1 - 0.5
    np.testing.assert_allclose(gap, 0, atol=1e-6)


def test_a_deck_loaded_later_joins_the_current_beat() -> None:
    controls = rig(b=None)
    controls.render(88)
    controls.engine.put_deck("b", fake_deck("b", 1.0, ticks=B_TICKS, beats=B))
    late = []
    advance = controls.engine.playhead.advance

    def spy(motion: PlayheadMotion):  # type: ignore[no-untyped-def]
        positions = advance(motion)
        late.append((positions.on(B_TICKS, B).ticks + 0.5) * PER_TICK - 0.5)
        return positions

    controls.engine.playhead.advance = spy  # type: ignore[method-assign]
    controls.render(60)
    a = (places(controls)[0][88:] - 4) / A_BEAT
    b = (np.concatenate(late) - 7) / B_BEAT
    np.testing.assert_allclose((a - b + 0.5) % 1, 0.5, atol=1e-6)
    np.testing.assert_allclose(np.diff(a), 1 / A_BEAT, atol=1e-9)


def test_a_deck_that_plays_alone_runs_at_its_recorded_tempo() -> None:
    controls = rig()
    say(controls, "/glide", "/interp", 0.0)
    say(controls, "/interp", 1.0)
    controls.render(100)
    np.testing.assert_allclose(np.diff(places(controls)[1][4:100]), 1.0, atol=1e-9)
    assert controls.engine.tempo_bpm == B.tempo_bpm


@pytest.mark.parametrize("value", [19.9, -1.0, 1000.0, float("nan")])
def test_a_tempo_out_of_range_is_refused(value: float) -> None:
    controls = rig()
    with pytest.raises(AssertionError, match="allowed are 20 to 999 bpm, or 0"):
        say(controls, "/tempo", value)
    say(controls, "/tempo")
    assert controls.sender.replies == [Reply("/tempo", (0.0,))]


def test_a_playhead_without_tempi_has_no_beat() -> None:
    playhead = Playhead(PER_TICK)
    row = np.zeros(3)
    playhead.advance(PlayheadMotion(row + 1, row, row + 1, row + np.nan, row + np.nan, row + 1))
    assert playhead.beat is None
