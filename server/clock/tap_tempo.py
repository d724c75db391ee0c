"""Tapped tempo: the median distance of the last taps, from the second tap on."""

from __future__ import annotations

from collections import deque
from itertools import pairwise
from statistics import median

from server.controls.addresses import FASTEST_BPM

MAX_PAUSE_S = 2.0
"""A longer pause starts over: the slowest tempo that can be tapped is 30 bpm."""
TAPS = 8


class TempoTaps:
    """Collects taps at their times, in s of any one clock."""

    def __init__(self) -> None:
        self._taps_s: deque[float] = deque(maxlen=TAPS)

    def tap(self, at_s: float) -> float | None:
        """Add a tap; return the tempo in bpm, or None after the first."""
        taps = self._taps_s
        if taps and not 0 <= at_s - taps[-1] <= MAX_PAUSE_S:
            taps.clear()
        if taps and at_s - taps[-1] < 60 / FASTEST_BPM:
            return None  # a bounce of the key
        taps.append(at_s)
        if len(taps) < 2:
            return None
        return 60 / median(later - earlier for earlier, later in pairwise(taps))
