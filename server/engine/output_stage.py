"""What is done to the decoded sound before anybody hears it.

    decoded -> DC block -> (x) -> limiter
                            |
    level, mute, gate ------'   as late as the sound of their frame comes out of the decoder

Transposed sound goes through the decoder's window at its own rate, and the resampler looks ahead
(``server.engine.transposition``): level and mute wait as much longer or shorter. The gate opens and
closes without a click; it is through with its ramp when the first sound of its frame comes out, so
that an attack at the start keeps its edge.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from export.bundle.format import Manifest
from server.controls.addresses import HIGHEST_PITCH
from server.engine.dc_blocker import DcBlocker
from server.engine.glide import Delay, Gate, ramp_between
from server.engine.limiter import Limiter
from server.engine.sinc import reach_samples
from server.system.arrays import Floats

GATE_RAMP_S = 0.01


class OutputStage:
    """Works block by block: ``prepare`` with what the hands say, then ``process`` the sound."""

    def __init__(self, manifest: Manifest) -> None:
        rate_hz, self._hop = manifest.sample_rate_hz, manifest.hop_samples
        self._channels = manifest.channels
        self._ramp_samples = round(GATE_RAMP_S * rate_hz)
        self._gate = Gate(self._ramp_samples)
        self._latency_samples = manifest.latency_samples
        self._waits_before: tuple[float, float] | None = None
        _, longest = self._waits(np.array([-HIGHEST_PITCH]))
        most = math.ceil(longest[0])
        self._gate_delay, self._level_delay = Delay(most), Delay(most)
        self._dc_block = DcBlocker(rate_hz, self._hop, manifest.channels)
        self._limiter = Limiter(rate_hz, self._hop)
        self._level_before: float | None = None
        self._gate_gains: NDArray[np.float64] = np.zeros(0)
        self._gains = self._gate_gains

    @property
    def is_shut(self) -> bool:
        """Whether nothing is heard, and nothing that was let through is on its way."""
        return self._gate.is_shut and self._gate_delay.is_zero

    @property
    def is_silent(self) -> bool:
        """Whether nothing of the block that was prepared is heard."""
        return not self._gate_gains.any()

    def prepare(
        self,
        opened: Sequence[tuple[float, int]],
        level_db: NDArray[np.float64],
        mute: NDArray[np.float64],
        pitch: NDArray[np.float64],
    ) -> NDArray[np.bool_]:
        """Take in a block: how far the gate is open, each for so many frames, level, mute and pitch
        (N,).

        Returns in which frames (N,) the gate is open, be it a little.
        """
        gate = np.concatenate(
            [self._gate.follow(goal, frames * self._hop) for goal, frames in opened]
        )
        ends = 10 ** (level_db / 20) * (1 - mute)
        before = float(ends[0]) if self._level_before is None else self._level_before
        self._level_before = float(ends[-1])
        gate_waits, level_waits = self._delays(pitch)
        levels = self._level_delay.follow(ramp_between(ends, before, self._hop), level_waits)
        self._gate_gains = self._gate_delay.follow(gate, gate_waits)
        self._gains = levels * self._gate_gains
        sounds: NDArray[np.bool_] = gate.reshape(-1, self._hop).max(axis=1) > 0
        return sounds

    def _delays(self, pitch: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
        """How late gate and level are (N*hop,), in samples."""
        ends = self._waits(pitch)
        before = self._waits_before or (float(ends[0][0]), float(ends[1][0]))
        self._waits_before = (float(ends[0][-1]), float(ends[1][-1]))
        return tuple(
            ramp_between(end, start, self._hop) for end, start in zip(ends, before, strict=True)
        )

    def _waits(self, pitch: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """How late gate and level are at frames' ends (N,), in samples: the decoder's window, and
        for levels how far ahead frames are decoded, on the average. What begins is not ahead.
        """
        rates = 2.0 ** (pitch / 12)
        windows = self._latency_samples / rates
        reaches = np.array([reach_samples(rate) for rate in rates.tolist()]) / rates
        ahead = np.where(rates == 1, 0.0, reaches + self._hop / 2)
        return np.maximum(windows - self._ramp_samples, 0.0), windows + ahead

    def process(self, decoded: Floats) -> Floats:
        """The sound (C, N*hop) of the block that was prepared, within the ceiling."""
        return self._limiter.process(self._dc_block.process(decoded) * self._gains)

    def silence(self) -> Floats:
        """The block that was prepared, where nothing was decoded for it."""
        silent = np.zeros((self._channels, self._gains.size), np.float32)
        return self._limiter.process(silent)

    def shut(self) -> None:
        """Close at once behind this block: what was to be let through will not come."""
        self._gate.shut()
        self._gate_delay.fill(0.0)

    def fade_from(self, last: Floats, samples: int) -> Floats:
        """From the last good sample (C,) to zero, (C, samples)."""
        fall = np.maximum(1 - np.arange(1, samples + 1) / min(self._ramp_samples, samples), 0)
        return (last[:, None] * fall).astype(np.float32)

    def reset(self) -> None:
        """Forget the sound before."""
        self._dc_block.reset()
