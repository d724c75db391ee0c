"""A histogram of decode times: hours of playing in a few hundred numbers."""

from __future__ import annotations

import numpy as np

_LOWEST_S, _HIGHEST_S = 1e-6, 10.0
_BINS_PER_DECADE = 100


class Timings:
    """Durations in logarithmic bins of 2.3 %."""

    def __init__(self) -> None:
        decades = np.log10(_HIGHEST_S / _LOWEST_S)
        self._counts = np.zeros(round(decades * _BINS_PER_DECADE) + 1, np.int64)

    @property
    def count(self) -> int:
        """The number of durations added."""
        return int(self._counts.sum())

    def add(self, duration_s: float) -> None:
        """Count one duration."""
        clamped_s = min(max(duration_s, _LOWEST_S), _HIGHEST_S)
        self._counts[round(np.log10(clamped_s / _LOWEST_S) * _BINS_PER_DECADE)] += 1

    def percentile_ms(self, percent: float) -> float:
        """The duration that ``percent`` of all stay below, in ms; 0 before the first."""
        counted = self._counts.cumsum()
        if not counted[-1]:
            return 0.0
        place = int(np.searchsorted(counted, counted[-1] * percent / 100))
        return float(1e3 * _LOWEST_S * 10 ** (place / _BINS_PER_DECADE))
