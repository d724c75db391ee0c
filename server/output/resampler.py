"""A streaming resampler from the model's rate to the device's.

soxr's fixed-rate stream at HQ delivers in bursts and lags up to 29 ms (22.05 to 48 kHz, blocks of
512); its variable-rate stream, at a fixed ratio, delivers evenly, lags 5 to 11 ms, is flat to 0.88
of the Nyquist frequency and leaves -112 dB of residue (measured, soxr 1.0).
"""

from __future__ import annotations

import numpy as np
import soxr

from export.audio.arrays import Floats


class StreamResampler:
    """Resamples blocks (T, C); equal rates pass through untouched."""

    def __init__(self, source_rate_hz: float, target_rate_hz: float, channels: int) -> None:
        self._ratio = target_rate_hz / source_rate_hz
        self._target_rate_hz = target_rate_hz
        self._pending = 0.0
        self._stream = None
        if source_rate_hz != target_rate_hz:
            self._stream = soxr.ResampleStream(
                source_rate_hz, target_rate_hz, channels, dtype="float32", quality="HQ", vr=True
            )

    @property
    def latency_s(self) -> float:
        """The duration of the input that has not come out yet."""
        return self._pending / self._target_rate_hz

    def process(self, samples: Floats) -> Floats:
        """Return the next samples (T', C) at the device's rate."""
        if self._stream is None:
            return samples
        resampled: Floats = self._stream.resample_chunk(np.ascontiguousarray(samples))
        self._pending += len(samples) * self._ratio - len(resampled)
        return resampled
