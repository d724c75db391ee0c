"""How long a stage trains and what follows from it, on a clock that the test turns."""

from __future__ import annotations

import pytest

from training import budget
from training.budget import DECAY_SHARE, WARM_UP_STEPS, Budget


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
    half = Budget(minutes=10, steps=1000, checkpoint_minutes=1, seconds_before=0)
    clock.now += 300
    assert half.share_done(100) == pytest.approx(0.5)
    assert half.share_done(900) == pytest.approx(0.9)
    assert half.over(1000)
    clock.now += 300
    assert half.over(1)


def test_earlier_sessions_count(clock: Clock) -> None:
    resumed = Budget(minutes=10, steps=1000, checkpoint_minutes=1, seconds_before=540)
    assert resumed.trained_s() == 540
    clock.now += 60
    assert resumed.over(1)


def test_the_learning_rate_rises_stays_and_falls(clock: Clock) -> None:
    whole = Budget(minutes=10, steps=10_000, checkpoint_minutes=1, seconds_before=0)
    assert whole.learning_rate_factor(WARM_UP_STEPS // 2) == pytest.approx(0.5)
    assert whole.learning_rate_factor(5000) == 1
    half_way_down = int(10_000 * (1 - DECAY_SHARE / 2))
    assert whole.learning_rate_factor(half_way_down) == pytest.approx(0.5)
    assert whole.learning_rate_factor(10_000) == pytest.approx(0.05)


def test_checkpoints_come_at_their_interval(clock: Clock) -> None:
    due = Budget(minutes=10, steps=1000, checkpoint_minutes=2, seconds_before=0)
    assert not due.checkpoint_due()
    clock.now += 121
    assert due.checkpoint_due()
    assert not due.checkpoint_due()


def test_batches_are_numbered_on_from_the_last_session(clock: Clock) -> None:
    rest = Budget(minutes=10, steps=5, checkpoint_minutes=2, seconds_before=0)
    assert list(rest.bar("abcdef", "stage", first=2)) == [(3, "a"), (4, "b"), (5, "c")]
