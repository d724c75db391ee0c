"""Sound added block by block at one sample rate, and stored at another."""

from __future__ import annotations

from typing import Any

import numpy as np

from export.audio.arrays import Floats

_SPARE_SAMPLES = 1 << 16
_MOST_EXPECTED = 1 << 30
"""Most samples to reserve memory for, whatever a header says: six hours at 48 kHz."""


class SampleStream:
    """Resamples blocks as they are added, into memory that is allocated once."""

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
        # Untouched memory costs nothing; a header with too few samples costs a copy.
        expected = expected_samples * sample_rate_hz // source_rate_hz + _SPARE_SAMPLES
        self._buffer: Floats = np.empty(min(max(expected, 0), _MOST_EXPECTED), np.float32)
        self._filled = 0

    def add(self, samples: Floats) -> None:
        """Add the next samples (T,) at the source's rate."""
        self.source_samples += samples.size
        self.is_finite = self.is_finite and bool(np.isfinite(samples).all())
        if self.is_finite:
            self._append(self._resampled(samples, last=False))

    def end(self) -> Floats:
        """Return all samples (T,) at the new rate."""
        self._append(self._resampled(np.zeros(0, np.float32), last=True))
        return self._buffer[: self._filled]

    def _resampled(self, samples: Floats, last: bool) -> Floats:
        if self._resampler is None:
            return samples
        return np.asarray(self._resampler.resample_chunk(samples, last=last), np.float32)

    def _append(self, samples: Floats) -> None:
        end = self._filled + samples.size
        if end > self._buffer.size:
            longer: Floats = np.empty(max(end, self._buffer.size * 3 // 2), np.float32)
            longer[: self._filled] = self._buffer[: self._filled]
            self._buffer = longer
        self._buffer[self._filled : end] = samples
        self._filled = end
