"""Morphs, measured where the engine takes its values: frame by frame."""

from __future__ import annotations

import numpy as np
import pytest
from pythonosc.osc_message_builder import build_msg

from server.controls.events import Event, Morph, Panic, SetControl
from server.controls.morph import MAX_STEPS, STEP_S
from tests.server.control_inputs import FRAME_S, Hands, at

BLOCKS = [1, 3, 4, 7, 64]
FRAMES = 50
SECONDS = FRAMES * FRAME_S
STEP = max(round(STEP_S / FRAME_S), 1)


def morphing(block: int, *more: tuple[int, Event], targets: dict[str, float]) -> Hands:
    """A morph from frame 10 on; ``more`` holds further events by frame."""
    hands = Hands()
    hands.put_decks()
    given = {address: (value,) for address, value in targets.items()}
    for frame, event in [(10, Morph(given, SECONDS)), *more]:
        hands.timeline.schedule(hands.now_s + frame * FRAME_S, (event,))
    while hands.timeline.next_frame < 120:
        hands.engine.render(block)
    return hands


def values(hands: Hands, address: str) -> np.ndarray:
    return np.array([state.value(address) for state in hands.timeline.states[:120]])


@pytest.mark.parametrize("block", BLOCKS)
def test_it_goes_straight_from_where_it_is_and_is_there_in_its_frame(block: int) -> None:
    hands = morphing(
        block, (5, SetControl("/pitch", (-2.0,))), targets={"/pitch": 10.0, "/latent/1": -3.0}
    )
    share = np.clip((np.arange(120) - 10) // STEP * STEP / FRAMES, 0, 1)
    share[10 + FRAMES :] = 1
    wanted = np.where(np.arange(120) < 5, 0.0, -2 * (1 - share) + 10 * share)
    np.testing.assert_allclose(values(hands, "/pitch"), wanted, atol=1e-12)
    np.testing.assert_allclose(values(hands, "/latent/1"), -3 * share, atol=1e-12)
    assert values(hands, "/pitch")[10 + FRAMES] == 10.0 != values(hands, "/pitch")[9 + FRAMES]
    assert len(set(values(hands, "/pitch"))) > FRAMES / STEP


@pytest.mark.parametrize("block", BLOCKS)
def test_a_hand_takes_one_value_over_and_the_others_go_on(block: int) -> None:
    hands = morphing(
        block,
        (31, SetControl("/pitch", (2.0,))),
        targets={"/pitch": 10.0, "/speed": 3.0},
    )
    assert (values(hands, "/pitch")[31:] == 2.0).all()
    assert values(hands, "/pitch")[30] > 3.0
    assert values(hands, "/speed")[10 + FRAMES :].tolist() == [3.0] * (110 - FRAMES)


def test_a_hand_between_two_blocks_is_never_overwritten() -> None:
    hands = morphing(4, targets={"/pitch": 10.0})  # and behind its end
    for frame in range(200):
        if frame % 40 == 0:
            hands.desk.apply(
                [Morph({"/pitch": (float(frame % 7),), "/speed": (2.0,)}, SECONDS / 2)]
            )
        if frame % 40 == 11:
            hands.desk.apply([SetControl("/pitch", (-1.0,))])
        hands.engine.render(1)
        if frame % 40 >= 11:
            assert hands.timeline.states[-1].value("/pitch") == -1.0
    assert hands.timeline.states[-1].value("/speed") == 2.0


def test_a_value_that_the_morph_would_pass_by_later_is_the_hands_too() -> None:
    half = FRAMES // 2 // STEP * STEP / FRAMES
    hands = morphing(1, (10 + STEP + 1, SetControl("/walk", (half,))), targets={"/walk": 1.0})
    assert (values(hands, "/walk")[10 + STEP + 1 :] == half).all()


def test_another_morph_and_a_panic_end_it() -> None:
    hands = morphing(4, (30, Morph({"/speed": (2.0,)}, SECONDS)), targets={"/pitch": 10.0})
    assert len(set(values(hands, "/pitch")[30:])) == 1 and values(hands, "/pitch")[-1] < 5
    assert values(hands, "/speed")[-1] == 2.0
    hands = morphing(4, (30, Panic()), targets={"/pitch": 10.0})
    assert len(set(values(hands, "/pitch")[30:])) == 1 and values(hands, "/pitch")[-1] < 5


def test_the_motion_recorder_records_and_loops_it_frame_by_frame() -> None:
    hands = Hands()
    hands.put_decks()
    for frame, event in (
        (8, SetControl("/motion/record", (1.0,))),
        (10, Morph({"/pitch": (10.0,)}, SECONDS)),
        (68, SetControl("/motion/record", (0.0,))),
        (72, SetControl("/motion/play", (1.0,))),
    ):
        hands.timeline.schedule(hands.now_s + frame * FRAME_S, (event,))
    hands.render(132, 12)
    pitches = [state.value("/pitch") for state in hands.timeline.states]
    assert pitches[72:132] == pitches[8:68] and len(set(pitches)) > FRAMES / STEP


def test_a_long_one_has_longer_steps() -> None:
    hands = Hands()
    hands.dispatch((Morph({"/pitch": (10.0,)}, 20_000 * FRAME_S),))
    hands.render(2000, 500)
    pitches = [state.value("/pitch") for state in hands.timeline.states]
    assert len(set(pitches)) == pytest.approx(2000 / (20_000 / MAX_STEPS), abs=1)


def test_its_steps_are_told_as_any_change() -> None:
    hands = Hands()
    hands.send(build_msg("/notify", 1).dgram)
    hands.dispatch((Morph({"/speed": (3.0,)}, SECONDS),))
    hands.render(STEP * 4, 1)
    hands.pass_time()
    assert hands.sender.replies[-1].address == "/speed"
    assert hands.sender.replies[-1].arguments[0] > 1.0  # type: ignore[operator]


def test_it_begins_in_the_frame_of_its_time_tag_among_others() -> None:
    hands = Hands()
    hands.put_decks()
    hands.send(at(hands.now_s + 20 * FRAME_S, ("/speed", 2.0)))
    hands.timeline.schedule(hands.now_s + 20 * FRAME_S, (Morph({"/speed": (3.0,)}, SECONDS),))
    hands.render(120)
    speeds = values(hands, "/speed")
    assert (speeds[:20] == 1).all() and speeds[20] == 2.0 and (np.diff(speeds[20:]) >= 0).all()
    assert speeds[20 + FRAMES] == 3.0
