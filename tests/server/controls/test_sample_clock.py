"""Two clocks: measurements are smoothed, steps and jumps are followed."""

from __future__ import annotations

import numpy as np
import pytest

from server.controls.sample_clock import STEP_LASTS_S, SampleClock

FRAME_S = 0.005


def looked(clock: SampleClock, first: int, frames: int, ahead_s: float, rough_s: float) -> float:
    """Observe each frame, heard ``ahead_s`` later than its number says; return the last error, in
    s.
    """
    random = np.random.default_rng(first)
    for frame in range(first, first + frames):
        clock.observe(frame, frame * FRAME_S + ahead_s + random.uniform(-rough_s, rough_s))
    return clock.time_of(first + frames) - (first + frames) * FRAME_S - ahead_s


@pytest.mark.parametrize("rough_s", [0.0, 0.002, 0.02])
def test_jittery_readings_are_smoothed(rough_s: float) -> None:
    clock = SampleClock(FRAME_S)
    assert abs(looked(clock, 0, 4000, 0.1, rough_s)) < 0.05 * rough_s + 1e-9


@pytest.mark.parametrize("step_s", [0.015, -0.015])
def test_a_step_is_followed_soon(step_s: float) -> None:
    clock = SampleClock(FRAME_S)
    looked(clock, 0, 4000, 0.1, 0.001)
    frames = round(2 * STEP_LASTS_S / FRAME_S)
    assert abs(looked(clock, 4000, frames, 0.1 + step_s, 0.001)) < 0.002


def test_a_single_outlier_moves_nothing() -> None:
    clock = SampleClock(FRAME_S)
    looked(clock, 0, 4000, 0.1, 0.001)
    clock.observe(4000, 4000 * FRAME_S + 0.14)
    assert abs(clock.time_of(4001) - 4001 * FRAME_S - 0.1) < 0.0005


@pytest.mark.parametrize("block", [8, 20])
def test_a_device_with_large_blocks_causes_no_steps(block: int) -> None:
    """It takes 100 ms at once, so that the fill of the ring falls and rises."""
    clock = SampleClock(FRAME_S)
    errors = []
    for frame in range(4000):
        clock.observe(frame, frame * FRAME_S + 0.1 - (frame % block) * FRAME_S)
        errors.append(clock.time_of(frame) - frame * FRAME_S - 0.1)
    settled = errors[2000:]
    assert np.ptp(settled) < 0.004
