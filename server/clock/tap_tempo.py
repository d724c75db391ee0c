"""Tapped tempo: the median of the last taps' distances, from the second tap on."""

from __future__ import annotations

from collections import deque
from itertools import pairwise
from statistics import median

from server.controls.addresses import FASTEST_BPM

FORGETS_S = 2.0
"""A longer pause begins anew: the slowest that can be tapped is 30 bpm."""
TAPS = 8


class TempoTaps:
    """Hears taps at their times, in s of any one clock."""

    def __init__(self) -> None:
        self._taps_s: deque[float] = deque(maxlen=TAPS)

    def tap(self, at_s: float) -> float | None:
        """The tempo in bpm after a tap; None where it is the first."""
        taps = self._taps_s
        if taps and not 0 <= at_s - taps[-1] <= FORGETS_S:
            taps.clear()
        if taps and at_s - taps[-1] < 60 / FASTEST_BPM:
            return None  # a bounce of the key
        taps.append(at_s)
        if len(taps) < 2:
            return None
        return 60 / median(later - earlier for earlier, later in pairwise(taps))
