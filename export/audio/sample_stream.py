"""Sound that comes block by block, at one rate, and is kept at another."""

from __future__ import annotations

from typing import Any

import numpy as np

from export.audio.arrays import Floats

_SPARE_SAMPLES = 1 << 16
_MOST_EXPECTED = 1 << 30
"""Samples that a header is believed: six hours at 48 kHz."""


class SampleStream:
    """Samples that come block by block, resampled as they come, in memory that is taken once."""

    def __init__(self, source_rate_hz: int, sample_rate_hz: int, expected_samples: int) -> None:
        self.source_rate_hz = source_rate_hz
        self.source_samples = 0
        self.is_finite = True
        self._resampler: Any = None
        if source_rate_hz != sample_rate_hz:
            import soxr

            self._resampler = soxr.ResampleStream(
                source_rate_hz, sample_rate_hz, 1, dtype="float32", quality="HQ"
            )
        # Memory that is not touched costs nothing; a header that lies may cost a copy.
        expected = expected_samples * sample_rate_hz // source_rate_hz + _SPARE_SAMPLES
        self._buffer: Floats = np.empty(min(max(expected, 0), _MOST_EXPECTED), np.float32)
        self._filled = 0

    def add(self, samples: Floats) -> None:
        """The next samples (T,) at the source's rate."""
        self.source_samples += samples.size
        self.is_finite = self.is_finite and bool(np.isfinite(samples).all())
        if self.is_finite:
            self._keep(self._resampled(samples, last=False))

    def end(self) -> Floats:
        """All of it (T,) at the rate asked for."""
        self._keep(self._resampled(np.zeros(0, np.float32), last=True))
        return self._buffer[: self._filled]

    def _resampled(self, samples: Floats, last: bool) -> Floats:
        if self._resampler is None:
            return samples
        return np.asarray(self._resampler.resample_chunk(samples, last=last), np.float32)

    def _keep(self, samples: Floats) -> None:
        end = self._filled + samples.size
        if end > self._buffer.size:
            longer: Floats = np.empty(max(end, self._buffer.size * 3 // 2), np.float32)
            longer[: self._filled] = self._buffer[: self._filled]
            self._buffer = longer
        self._buffer[self._filled : end] = samples
        self._filled = end
