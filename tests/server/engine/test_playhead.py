"""The playhead: any speed, loop, slice and jump, to the frame at any block size, no clicks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from pythonosc.osc_bundle_builder import OscBundleBuilder
from pythonosc.osc_message_builder import build_msg

from server.controls.replies import Reply
from server.engine.head import FADE_FRAMES
from server.engine.playhead import Playhead, TicksAround, read_loop
from server.engine.playhead_motion import PlayheadMotion
from tests import mini_bundle
from tests.server.control_inputs import FRAME_S, ControlRig
from tests.server.fakes import fake_deck

BLOCKS = [1, 4, 16]
TICKS, PER_TICK = 20, mini_bundle.TICK_FRAMES
FRAMES = TICKS * PER_TICK
Values = Sequence[float | int]


def motion(
    frames: int,
    speed: float = 1.0,
    loop: tuple[float, float] = (0.0, 1.0),
    jumps: dict[int, float] | None = None,
) -> PlayheadMotion:
    at = np.full(frames, np.nan)
    for frame, share in (jumps or {}).items():
        at[frame] = share
    start, end = (np.full(frames, edge) for edge in loop)
    nowhere, beat = np.full(frames, np.nan), np.ones(frames)
    return PlayheadMotion(np.full(frames, speed), start, end, at, nowhere, beat)


def frames_read(playhead: Playhead, moved: PlayheadMotion, deck_ticks: int = TICKS) -> np.ndarray:
    """The positions read (N,), in frames of the deck, as ``ticks_at`` counts them."""
    reading = playhead.advance(moved).on(deck_ticks)
    return (reading.ticks + 0.5) * PER_TICK - 0.5


@pytest.mark.parametrize("speed", [-4.0, -1.0, -0.3, 0.0, 0.5, 1.0, 4.0])
def test_the_playhead_moves_around_the_deck_at_its_speed(speed: float) -> None:
    read = frames_read(Playhead(PER_TICK), motion(200, speed))
    np.testing.assert_allclose(read, (speed * np.arange(200)) % FRAMES, atol=1e-9)


@pytest.mark.parametrize(
    ("loop", "speed", "first", "length"),
    [
        ((0.25, 0.75), 1.0, 10, 20),
        ((0.25, 0.75), -1.0, 10, 20),
        ((0.75, 0.25), 1.0, 30, 20),
        ((0.5, 0.5), 1.0, 20, 40),
        ((1.0, 1.0), 1.0, 0, 40),
        ((0.5, 0.501), 1.0, 20, 4),
    ],
    ids=["forwards", "backwards", "over the end", "end is start", "whole", "shortest"],
)
def test_a_loop_is_a_part_of_the_deck(
    loop: tuple[float, float], speed: float, first: int, length: int
) -> None:
    playhead = Playhead(PER_TICK)
    read = frames_read(playhead, motion(100, speed, loop, {0: 0.0}))
    wanted = first + (speed * np.arange(100)) % length
    np.testing.assert_allclose(read % FRAMES, wanted % FRAMES, atol=1e-9)


def test_loops_and_jumps_are_relative_to_each_decks_length() -> None:
    playhead = Playhead(PER_TICK)
    positions = playhead.advance(motion(64, 1.0, (0.5, 0.75), {0: 0.5}))
    for ticks in (20, 28):
        frames = (positions.on(ticks).ticks + 0.5) * PER_TICK - 0.5
        length = ticks * PER_TICK / 4
        wanted = 2 * length + (length / 2 + np.arange(64)) % length
        np.testing.assert_allclose(frames, wanted, atol=1e-9)


def test_a_deck_of_a_new_length_starts_where_it_would_have_been() -> None:
    playhead = Playhead(PER_TICK)
    frames_read(playhead, motion(50, jumps={7: 0.25}))
    late = frames_read(playhead, motion(4), 28)
    assert late[0] == (0.25 * 28 * PER_TICK + 43) % (28 * PER_TICK)


def test_halving_a_loop_keeps_the_beat() -> None:
    playhead = Playhead(PER_TICK)
    frames_read(playhead, motion(25))
    read = frames_read(playhead, motion(4, 1.0, (0.0, 0.5)))
    assert read.tolist() == [5, 6, 7, 8]
    assert frames_read(playhead, motion(2)).tolist() == [9, 10]


def test_a_jump_is_crossfaded_and_the_deck_s_own_seam_is_not() -> None:
    track = np.random.default_rng(0).standard_normal((3, TICKS)).astype(np.float32)
    playhead = Playhead(PER_TICK)
    whole = playhead.advance(motion(100)).on(TICKS)
    assert whole.previous is None
    leapt = playhead.advance(motion(6, jumps={2: 0.0}))
    reading = leapt.on(TICKS)
    assert reading.previous is not None and reading.weight is not None
    assert reading.weight.tolist() == [1, 1, 0.5, 1, 1, 1]
    plain = Playhead(PER_TICK)
    plain.advance(motion(100))
    onwards = read_loop(track, plain.advance(motion(6)))
    anew = read_loop(track, Playhead(PER_TICK).advance(motion(6)))
    read = read_loop(track, leapt)
    np.testing.assert_allclose(read[:, :2], onwards[:, :2], atol=1e-6)
    np.testing.assert_allclose(read[:, 2], (onwards[:, 2] + anew[:, 0]) / 2, atol=1e-6)
    np.testing.assert_allclose(read[:, 3:], anew[:, 1:4], atol=1e-6)


def test_a_slice_is_crossfaded_from_the_last_position_played() -> None:
    """Loop and jump come together: it fades from the place that was heard, not the folded one."""
    playhead = Playhead(PER_TICK)
    frames_read(playhead, motion(33))
    reading = playhead.advance(motion(4, 1.0, (0.0, 0.25), {0: 0.0})).on(TICKS)
    assert reading.previous is not None
    assert (reading.previous[0] + 0.5) * PER_TICK - 0.5 == 33


def test_neighbouring_ticks_are_wrapped_into_the_loop() -> None:
    playhead = Playhead(PER_TICK)
    positions = playhead.advance(motion(30, 1.0, (0.5, 0.75), {0: 0.0}))
    here = (positions.frames[3] + 0.5) / PER_TICK - 0.5
    ticks = TicksAround(positions, 3, here + np.arange(-7.0, 8.0)).on(TICKS).ticks
    inside = (ticks + 0.5) * PER_TICK - 0.5 - 20
    np.testing.assert_allclose(inside, (3 + 2 * np.arange(-7.0, 8.0)) % 10, atol=1e-9)


def rig() -> ControlRig:
    controls = ControlRig()
    controls.engine.put_deck("a", fake_deck("a", 0.0))
    controls.engine.put_deck("b", fake_deck("b", 1.0, ticks=28))
    return controls


def say(controls: ControlRig, address: str, *values: float) -> None:
    controls.send(build_msg(address, list(values)).dgram)


def at_frame(controls: ControlRig, frame: float, address: str, values: Values) -> None:
    builder = OscBundleBuilder(controls.now_s + frame * FRAME_S)
    builder.add_content(build_msg(address, list(values)))
    controls.send(builder.build().dgram)


SCENE: list[tuple[int, str, Values]] = [
    (5, "/speed", [-1.5]),
    (17, "/freeze", [1]),
    (22, "/freeze", [0]),
    (30, "/loop", [0.2, 0.6]),
    (41, "/position", [0.5]),
    (50, "/speed", [2.0]),
    (66, "/slice", [3]),
    (67, "/interp", [0.5]),
    (90, "/loop", [0.0, 1.0]),
    (93, "/position", [0.9]),
]


def test_block_size_does_not_matter() -> None:
    def play(block: int) -> np.ndarray:
        controls = rig()
        for frame, address, values in SCENE:
            at_frame(controls, frame, address, values)
        controls.render(128, block)
        return controls.session.structure

    for block in BLOCKS[1:]:
        np.testing.assert_allclose(play(block), play(1), atol=1e-6)


@pytest.mark.parametrize("block", BLOCKS)
def test_a_jump_happens_in_its_frame(block: int) -> None:
    controls = rig()
    controls.render(16)
    at_frame(controls, 37, "/position", [0.25])
    controls.render(48, block)
    row = controls.session.structure[0]
    start = 0.5 + 0.5 / (TICKS - 1) * ((FRAMES / 4 + 0.5) / PER_TICK - 0.5)
    assert row[37 + FADE_FRAMES - 1] == pytest.approx(
        start + 0.5 / (TICKS - 1) / PER_TICK * (FADE_FRAMES - 1), abs=1e-5
    )
    assert np.abs(np.diff(row[1:37])).max() < 0.02
    assert row[36] != pytest.approx(row[37], abs=0.01)


@pytest.mark.parametrize("block", BLOCKS)
def test_freeze_holds_structure_while_the_sound_goes_on(block: int) -> None:
    controls = rig()
    at_frame(controls, 9, "/freeze", [1])
    controls.render(32, block)
    row = controls.session.structure[0]
    assert (row[9:] == row[9]).all() and row[8] != row[9]
    assert len(controls.session.styles) == 32 // block
    assert controls.engine.playhead.position_frames == 9


def test_a_jump_while_stopped_sets_where_playback_starts() -> None:
    controls = rig()
    controls.render(16)
    say(controls, "/stop")
    controls.render(64)
    say(controls, "/position", 0.5)
    controls.render(16)
    say(controls, "/position")
    assert controls.sender.replies == [Reply("/position", (0.5,))]
    steps = controls.session.structure.shape[1]
    say(controls, "/play")
    controls.render(16)
    middle = 0.5 + 0.5 / (TICKS - 1) * ((FRAMES / 2 + 0.5) / PER_TICK - 0.5)
    assert controls.session.structure[0, steps + FADE_FRAMES] == pytest.approx(
        middle + FADE_FRAMES * 0.5 / (TICKS - 1) / PER_TICK, abs=0.5 / (TICKS - 1)
    )


def test_a_position_query_answers_the_current_position() -> None:
    controls = rig()
    controls.render(60)
    say(controls, "/position")
    say(controls, "/loop", 0.5, 0.75)
    controls.render(4)
    say(controls, "/position", 0.5)
    controls.render(4)
    say(controls, "/position")
    first, second = controls.sender.replies
    assert first.arguments[0] == pytest.approx((60 % FRAMES) / FRAMES)
    assert second.arguments[0] == pytest.approx(0.5 + 4 / (FRAMES / 4))


def test_a_slice_is_jumped_to_and_looped() -> None:
    controls = rig()
    controls.render(12)
    say(controls, "/slice", 4)
    controls.render(64)
    say(controls, "/loop")
    assert controls.sender.replies == [Reply("/loop", (0.25, 0.3125))]
    assert controls.desk.snapshot().vector("/loop") == (0.25, 0.3125)
    say(controls, "/slice", 4)
    assert controls.desk.snapshot().jumps == 2


def test_half_a_loop_is_refused() -> None:
    controls = rig()
    with pytest.raises(AssertionError, match="it takes 2 arguments"):
        say(controls, "/loop", 0.5)
    assert controls.desk.snapshot().vector("/loop") == (0.0, 1.0)


def test_the_first_frame_follows_values_set_before_playback() -> None:
    controls = ControlRig()
    say(controls, "/position", 0.5)
    controls.put_decks()
    controls.render(4)
    assert controls.session.structure[0, 1] > 0.7


def test_jumps_and_loops_do_not_click() -> None:
    """The fake decoder follows structure within a frame; a cut sine would jump by 0.5."""

    def steepest(scene: Sequence[tuple[float, str, Values]]) -> float:
        controls = rig()
        say(controls, "/level", 0.0)
        for frame, address, values in scene:
            at_frame(controls, frame, address, values)
        audio = np.concatenate([controls.engine.render(16)[0] for _ in range(20)])
        return float(np.abs(np.diff(audio)).max())

    jumps = [(frame, "/position", [frame * 0.37 % 1]) for frame in range(20, 320, 7)]
    assert steepest(jumps) < 1.1 * steepest([])
    assert steepest([(40, "/loop", [0.9, 0.05]), (120, "/slice", [15])]) < 1.1 * steepest([])
