"""The limited log: one line a second, and the rest is counted."""

from __future__ import annotations

import logging

import pytest

from server.system.log_limit import LimitedLog


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def log(clock: Clock) -> LimitedLog:
    return LimitedLog(logging.getLogger("limited"), interval_s=1.0, clock_s=clock)


def test_one_line_a_second_is_logged_with_the_number_left_out(
    log: LimitedLog, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(10):
        log.warning("bad")
    clock.now_s += 0.99
    log.warning("bad")
    clock.now_s += 0.01
    log.warning("worse")
    log.flush()
    assert caplog.messages == ["bad", "worse (10 more before it)"]


def test_lines_left_out_last_are_counted_at_the_end(
    log: LimitedLog, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(4):
        log.warning("100% bad")
    log.flush()
    log.flush()
    assert caplog.messages == ["100% bad", "3 more of the same were not logged"]
