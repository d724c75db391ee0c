"""The output stage: DC blocker, level, mute, gate and limiter.

    decoded -> DC blocker -> (x) -> limiter
                              |
    level, mute, gate --------'   delayed until the sound of their frame leaves the decoder

Transposed sound passes the decoder's window at its own rate, and the resampler looks ahead
(``server.engine.transposition``): level and mute are delayed by that much more or less. The gate
opens and closes without a click; its ramp is complete when the first sound of its frame arrives, so
that an attack at the start keeps its edge.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from export.audio.arrays import Floats
from export.bundle.format import Manifest
from server.controls.addresses import HIGHEST_PITCH
from server.engine.dc_blocker import DcBlocker
from server.engine.glide import Delay, Gate, ramp_between
from server.engine.limiter import Limiter
from server.engine.sinc import reach_samples
from server.engine.synthesis import CHANNELS

GATE_RAMP_S = 0.01


class OutputStage:
    """Works block by block: ``prepare`` with the controls, then ``process`` the sound."""

    def __init__(self, manifest: Manifest) -> None:
        rate_hz, self._hop = manifest.sample_rate_hz, manifest.hop_samples
        self._channels = CHANNELS
        self._ramp_samples = round(GATE_RAMP_S * rate_hz)
        self._gate = Gate(self._ramp_samples)
        self._latency_samples = manifest.latency_samples
        self._previous_delays: tuple[float, float] | None = None
        _, longest_delay = self._frame_delays(np.array([-HIGHEST_PITCH]))
        max_samples = math.ceil(longest_delay[0])
        self._gate_delay, self._level_delay = Delay(max_samples), Delay(max_samples)
        self._dc_blocker = DcBlocker(rate_hz, self._hop, CHANNELS)
        self._limiter = Limiter(rate_hz, self._hop)
        self._previous_level: float | None = None
        self._gate_gains: NDArray[np.float64] = np.zeros(0)
        self._gains = self._gate_gains

    @property
    def is_shut(self) -> bool:
        """True if nothing sounds, and no sound that was let through is still on its way."""
        return self._gate.is_shut and self._gate_delay.is_zero

    @property
    def is_silent(self) -> bool:
        """True if nothing of the prepared block is audible."""
        return not self._gate_gains.any()

    def prepare(
        self,
        gate_targets: Sequence[tuple[float, int]],
        level_db: NDArray[np.float64],
        mute: NDArray[np.float64],
        pitch: NDArray[np.float64],
    ) -> NDArray[np.bool_]:
        """Take a block's controls: gate targets with their frames; level, mute and pitch (N,).

        Returns the frames (N,) in which the gate is open, if only a little.
        """
        gate = np.concatenate(
            [self._gate.follow(target, frames * self._hop) for target, frames in gate_targets]
        )
        ends = 10 ** (level_db / 20) * (1 - mute)
        previous = float(ends[0]) if self._previous_level is None else self._previous_level
        self._previous_level = float(ends[-1])
        gate_delays, level_delays = self._delays(pitch)
        levels = self._level_delay.follow(ramp_between(ends, previous, self._hop), level_delays)
        self._gate_gains = self._gate_delay.follow(gate, gate_delays)
        self._gains = levels * self._gate_gains
        is_open: NDArray[np.bool_] = gate.reshape(-1, self._hop).max(axis=1) > 0
        return is_open

    def _delays(self, pitch: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
        """The delays of gate and level (N*hop,), in samples."""
        ends = self._frame_delays(pitch)
        previous = self._previous_delays or (float(ends[0][0]), float(ends[1][0]))
        self._previous_delays = (float(ends[0][-1]), float(ends[1][-1]))
        return tuple(
            ramp_between(end, start, self._hop) for end, start in zip(ends, previous, strict=True)
        )

    def _frame_delays(
        self, pitch: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The delays of gate and level at the frames' ends (N,), in samples.

        The decoder's window; for levels also how far ahead frames are decoded, on average. After
        silence nothing is decoded ahead, so the gate has no such delay.
        """
        rates = 2.0 ** (pitch / 12)
        windows = self._latency_samples / rates
        reaches = np.array([reach_samples(rate) for rate in rates.tolist()]) / rates
        ahead = np.where(rates == 1, 0.0, reaches + self._hop / 2)
        return np.maximum(windows - self._ramp_samples, 0.0), windows + ahead

    def process(self, decoded: Floats) -> Floats:
        """Return the sound (C, N*hop) of the prepared block, within the ceiling."""
        return self._limiter.process(self._dc_blocker.process(decoded) * self._gains)

    def silence(self) -> Floats:
        """Return the prepared block where nothing was decoded for it."""
        silent = np.zeros((self._channels, self._gains.size), np.float32)
        return self._limiter.process(silent)

    def shut(self) -> None:
        """Close at once after this block: the sound that was to pass will not come."""
        self._gate.shut()
        self._gate_delay.fill(0.0)

    def fade_from(self, last: Floats, samples: int) -> Floats:
        """Fade from the last good sample (C,) to zero, (C, samples)."""
        fall = np.maximum(1 - np.arange(1, samples + 1) / min(self._ramp_samples, samples), 0)
        return (last[:, None] * fall).astype(np.float32)

    def reset(self) -> None:
        """Forget the previous sound."""
        self._dc_blocker.reset()
