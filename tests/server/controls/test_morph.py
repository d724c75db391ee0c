"""Morphs, measured frame by frame in the states that the engine takes."""

from __future__ import annotations

import numpy as np
import pytest
from pythonosc.osc_message_builder import build_msg

from server.controls.events import Event, Morph, Panic, SetControl
from server.controls.morph import MAX_STEPS, STEP_S
from tests.server.control_inputs import FRAME_S, ControlRig, at

BLOCKS = [1, 3, 4, 7, 64]
FRAMES = 50
SECONDS = FRAMES * FRAME_S
STEP = max(round(STEP_S / FRAME_S), 1)


def morphing(block: int, *more: tuple[int, Event], targets: dict[str, float]) -> ControlRig:
    """A morph from frame 10 on; ``more`` holds further events by frame."""
    rig = ControlRig()
    rig.put_decks()
    given = {address: (value,) for address, value in targets.items()}
    for frame, event in [(10, Morph(given, SECONDS)), *more]:
        rig.timeline.schedule(rig.now_s + frame * FRAME_S, (event,))
    while rig.timeline.next_frame < 120:
        rig.engine.render(block)
    return rig


def values(rig: ControlRig, address: str) -> np.ndarray:
    return np.array([state.value(address) for state in rig.timeline.states[:120]])


@pytest.mark.parametrize("block", BLOCKS)
def test_a_morph_moves_linearly_from_the_current_value_and_ends_in_its_frame(block: int) -> None:
    rig = morphing(
        block, (5, SetControl("/pitch", (-2.0,))), targets={"/pitch": 10.0, "/latent/1": -3.0}
    )
    share = np.clip((np.arange(120) - 10) // STEP * STEP / FRAMES, 0, 1)
    share[10 + FRAMES :] = 1
    wanted = np.where(np.arange(120) < 5, 0.0, -2 * (1 - share) + 10 * share)
    np.testing.assert_allclose(values(rig, "/pitch"), wanted, atol=1e-12)
    np.testing.assert_allclose(values(rig, "/latent/1"), -3 * share, atol=1e-12)
    assert values(rig, "/pitch")[10 + FRAMES] == 10.0 != values(rig, "/pitch")[9 + FRAMES]
    assert len(set(values(rig, "/pitch"))) > FRAMES / STEP


@pytest.mark.parametrize("block", BLOCKS)
def test_setting_a_value_stops_its_morph_while_the_others_go_on(block: int) -> None:
    rig = morphing(
        block,
        (31, SetControl("/pitch", (2.0,))),
        targets={"/pitch": 10.0, "/speed": 3.0},
    )
    assert (values(rig, "/pitch")[31:] == 2.0).all()
    assert values(rig, "/pitch")[30] > 3.0
    assert values(rig, "/speed")[10 + FRAMES :].tolist() == [3.0] * (110 - FRAMES)


def test_a_value_set_between_two_blocks_is_never_overwritten_by_the_morph() -> None:
    rig = morphing(4, targets={"/pitch": 10.0})  # and behind its end
    for frame in range(200):
        if frame % 40 == 0:
            rig.desk.apply([Morph({"/pitch": (float(frame % 7),), "/speed": (2.0,)}, SECONDS / 2)])
        if frame % 40 == 11:
            rig.desk.apply([SetControl("/pitch", (-1.0,))])
        rig.engine.render(1)
        if frame % 40 >= 11:
            assert rig.timeline.states[-1].value("/pitch") == -1.0
    assert rig.timeline.states[-1].value("/speed") == 2.0


def test_a_value_set_to_a_later_point_of_the_morph_stops_it_too() -> None:
    half = FRAMES // 2 // STEP * STEP / FRAMES
    rig = morphing(1, (10 + STEP + 1, SetControl("/walk", (half,))), targets={"/walk": 1.0})
    assert (values(rig, "/walk")[10 + STEP + 1 :] == half).all()


def test_another_morph_or_a_panic_ends_a_morph() -> None:
    rig = morphing(4, (30, Morph({"/speed": (2.0,)}, SECONDS)), targets={"/pitch": 10.0})
    assert len(set(values(rig, "/pitch")[30:])) == 1 and values(rig, "/pitch")[-1] < 5
    assert values(rig, "/speed")[-1] == 2.0
    rig = morphing(4, (30, Panic()), targets={"/pitch": 10.0})
    assert len(set(values(rig, "/pitch")[30:])) == 1 and values(rig, "/pitch")[-1] < 5


def test_the_motion_recorder_records_and_loops_a_morph_frame_by_frame() -> None:
    rig = ControlRig()
    rig.put_decks()
    for frame, event in (
        (8, SetControl("/motion/record", (1.0,))),
        (10, Morph({"/pitch": (10.0,)}, SECONDS)),
        (68, SetControl("/motion/record", (0.0,))),
        (72, SetControl("/motion/play", (1.0,))),
    ):
        rig.timeline.schedule(rig.now_s + frame * FRAME_S, (event,))
    rig.render(132, 12)
    pitches = [state.value("/pitch") for state in rig.timeline.states]
    assert pitches[72:132] == pitches[8:68] and len(set(pitches)) > FRAMES / STEP


def test_a_long_morph_takes_longer_steps() -> None:
    rig = ControlRig()
    rig.dispatch((Morph({"/pitch": (10.0,)}, 20_000 * FRAME_S),))
    rig.render(2000, 500)
    pitches = [state.value("/pitch") for state in rig.timeline.states]
    assert len(set(pitches)) == pytest.approx(2000 / (20_000 / MAX_STEPS), abs=1)


def test_clients_are_notified_of_the_steps_of_a_morph() -> None:
    rig = ControlRig()
    rig.send(build_msg("/notify", 1).dgram)
    rig.dispatch((Morph({"/speed": (3.0,)}, SECONDS),))
    rig.render(STEP * 4, 1)
    rig.pass_time()
    assert rig.sender.replies[-1].address == "/speed"
    assert rig.sender.replies[-1].arguments[0] > 1.0  # type: ignore[operator]


def test_a_morph_begins_in_the_frame_of_its_time_tag() -> None:
    rig = ControlRig()
    rig.put_decks()
    rig.send(at(rig.now_s + 20 * FRAME_S, ("/speed", 2.0)))
    rig.timeline.schedule(rig.now_s + 20 * FRAME_S, (Morph({"/speed": (3.0,)}, SECONDS),))
    rig.render(120)
    speeds = values(rig, "/speed")
    assert (speeds[:20] == 1).all() and speeds[20] == 2.0 and (np.diff(speeds[20:]) >= 0).all()
    assert speeds[20 + FRAMES] == 3.0
