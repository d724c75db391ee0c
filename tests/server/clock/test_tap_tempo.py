"""Taps become a tempo: the median of the last few, forgotten after a pause."""

from __future__ import annotations

import pytest

from server.clock.tap_tempo import TAPS, TempoTaps


def tapped(*times_s: float) -> list[float | None]:
    taps = TempoTaps()
    return [taps.tap(time_s) for time_s in times_s]


def test_the_second_tap_gives_a_tempo() -> None:
    assert tapped(10.0, 10.5, 11.0) == [None, pytest.approx(120), pytest.approx(120)]


def test_one_late_tap_does_not_move_the_median() -> None:
    assert tapped(0.0, 0.5, 1.0, 1.62, 2.0, 2.5)[-1] == pytest.approx(120)


def test_a_pause_starts_a_new_measurement() -> None:
    assert tapped(0.0, 0.5, 2.51, 3.26) == [None, pytest.approx(120), None, pytest.approx(80)]
    assert tapped(0.0, 2.0)[-1] == pytest.approx(30)


def test_only_the_last_taps_count() -> None:
    slow = [float(n) for n in range(20)]
    fast = [19 + 0.5 * n for n in range(1, TAPS)]
    assert tapped(*slow, *fast)[-1] == pytest.approx(120)


def test_time_running_backwards_starts_a_new_measurement_and_a_bounce_is_ignored() -> None:
    assert tapped(100.0, 3.0, 3.5) == [None, None, pytest.approx(120)]
    assert tapped(0.0, 0.001, 0.5) == [None, None, pytest.approx(120)]
