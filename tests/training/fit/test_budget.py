"""The budget of a stage, on a clock that the test sets."""

from __future__ import annotations

import pytest

from training.fit import budget
from training.fit.budget import AGREE_EVERY_STEPS, DECAY_SHARE, WARM_UP_STEPS, Budget


class Clock:
    """Stands in for ``time.monotonic``."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    turned = Clock()
    monkeypatch.setattr(budget.time, "monotonic", turned)
    return turned


def test_time_or_steps_whichever_comes_first_ends_a_stage(clock: Clock) -> None:
    half = Budget(minutes=10, steps=1000, checkpoint_minutes=1)
    clock.now += 300
    half.tick(100)
    assert half.share_done() == pytest.approx(0.5)
    half.tick(900)
    assert half.share_done() == pytest.approx(0.9)
    assert not half.over()
    half.tick(1000)
    assert half.over()
    clock.now += 300
    half.tick(1)
    assert half.over()


def test_earlier_sessions_count(clock: Clock) -> None:
    resumed = Budget(minutes=10, steps=1000, checkpoint_minutes=1, seconds_before=540)
    assert resumed.trained_s() == 540
    clock.now += 60
    resumed.tick(1)
    assert resumed.over()
    assert Budget(10, 1000, 1, first_step=1000).over()


def test_the_learning_rate_rises_stays_and_falls(clock: Clock) -> None:
    whole = Budget(minutes=10, steps=10_000, checkpoint_minutes=1)
    half_way_down = int(10_000 * (1 - DECAY_SHARE / 2))
    for step, factor in [
        (WARM_UP_STEPS // 2, 0.5),
        (5000, 1.0),
        (half_way_down, 0.5),
        (10_000, 0.05),
    ]:
        whole.tick(step)
        assert whole.learning_rate_factor() == pytest.approx(factor)


def test_checkpoints_come_at_their_interval(clock: Clock) -> None:
    due = Budget(minutes=10, steps=1000, checkpoint_minutes=2)
    assert not due.checkpoint_due()
    clock.now += 121
    due.tick(1)
    assert due.checkpoint_due()
    assert not due.checkpoint_due()


def test_batches_are_numbered_on_from_the_last_session(clock: Clock) -> None:
    rest = Budget(minutes=10, steps=5, checkpoint_minutes=2, first_step=2)
    assert list(rest.bar("abcdef", "stage")) == [(3, "a"), (4, "b"), (5, "c")]


def test_the_time_left_is_the_clocks_or_that_of_the_steps(clock: Clock) -> None:
    by_clock = Budget(minutes=10, steps=1_000_000, checkpoint_minutes=1, seconds_before=60)
    by_steps = Budget(minutes=10, steps=100, checkpoint_minutes=1, first_step=40)
    clock.now += 30
    by_clock.tick(50)
    by_steps.tick(50)
    assert by_clock.left_s() == pytest.approx(510)
    assert by_steps.left_s() == pytest.approx(150), "ten steps took 30 s, 50 are left"


def test_the_bar_moves_with_the_budget(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    timed = Budget(minutes=1, steps=1_000_000, checkpoint_minutes=1)
    for _ in timed.bar("abc", "stage"):
        clock.now += 15
        timed.tick(timed.step)
        timed.say("word")
    shown = capsys.readouterr().err
    assert "stage 75%, 00:15 left" in shown
    assert "word" in shown


def test_processes_agree_on_the_time(clock: Clock) -> None:
    asked: list[float] = []

    def first_ones(seconds: float) -> float:
        asked.append(seconds)
        return 300.0

    one_of_two = Budget(10, 1000, 1, agree=first_ones)
    for step in range(1, 2 * AGREE_EVERY_STEPS + 1):
        clock.now += 1
        one_of_two.tick(step)
    assert asked == [AGREE_EVERY_STEPS, 2 * AGREE_EVERY_STEPS]
    assert one_of_two.trained_s() == 300
