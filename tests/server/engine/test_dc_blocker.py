"""The DC blocker removes constants, keeps audible sound, and ignores the size of a block."""

from __future__ import annotations

import numpy as np
import pytest

from server.engine.dc_blocker import CORNER_HZ, DcBlocker

RATE_HZ, HOP = 22_050, 512
SECOND = RATE_HZ // HOP * HOP


def sine(hertz: float, seconds: float) -> np.ndarray:
    count = int(seconds * RATE_HZ) // HOP * HOP
    return np.asarray(np.sin(2 * np.pi * hertz * np.arange(count) / RATE_HZ)[None], np.float32)


def blocked(audio: np.ndarray, block: int = HOP) -> np.ndarray:
    stream = DcBlocker(RATE_HZ, HOP, len(audio))
    parts = [stream.process(audio[:, n : n + block]) for n in range(0, audio.shape[1], block)]
    return np.concatenate(parts, axis=1)


def test_a_constant_dies_away() -> None:
    passed = blocked(np.full((1, SECOND), 0.7, np.float32))
    assert passed[0, 0] == pytest.approx(0.7, abs=1e-3)
    assert np.abs(passed[0, RATE_HZ // 2 :]).max() < 1e-4


def test_each_channel_is_filtered_separately() -> None:
    passed = blocked(np.stack([np.full(SECOND, level, np.float32) for level in (1.0, -0.25)]))
    assert np.abs(passed[:, RATE_HZ // 2 :]).max() < 1e-4
    assert passed[0, 0] * passed[1, 0] < 0


@pytest.mark.parametrize(("hertz", "decibels"), [(CORNER_HZ, -3.01), (20.0, -0.1), (1000.0, 0.0)])
def test_the_dc_blocker_is_a_first_order_high_pass(hertz: float, decibels: float) -> None:
    passed = blocked(sine(hertz, 4.0))[0, 2 * RATE_HZ :]
    level = 20 * np.log10(np.sqrt(2) * passed.std())
    assert level == pytest.approx(decibels, abs=0.05)


@pytest.mark.parametrize("frames", [1, 3, 64])
def test_chunked_equals_whole(frames: int) -> None:
    audio = 0.3 + sine(110.0, 5.0)
    np.testing.assert_allclose(blocked(audio, frames * HOP), blocked(audio), atol=1e-6)


def test_a_long_constant_decays_to_nothing() -> None:
    stream = DcBlocker(RATE_HZ, HOP, 1)
    for _ in range(2000):
        last = stream.process(np.full((1, HOP), 1.0, np.float32))
    assert np.abs(last).max() < 1e-6
    stream.reset()
    assert not stream.process(np.zeros((1, HOP), np.float32)).any()
