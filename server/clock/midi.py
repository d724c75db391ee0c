"""MIDI clock: 24 ticks a beat that come when they like, read as a straight line.

Ports are emptied every few milliseconds and senders are no more exact, so one tick says little: the
line is the one of least squares through the last two beats of ticks. A tempo that jumps is heard
within a few ticks, a hole in the ticks begins the line anew. The beat counts from Start, or from
the song position.
"""

from __future__ import annotations

from collections import deque
from itertools import islice

import numpy as np

from server.clock.source import TempoLine
from server.controls.addresses import FASTEST_BPM, SLOWEST_BPM

TICKS_A_BEAT = 24
TICKS_A_POSITION = 6
"""Song position is counted in semiquavers."""
FEWEST_TICKS = 12
"""Before that the tempo is not told."""

_WINDOW_TICKS = 2 * TICKS_A_BEAT + 1
_RECENT_TICKS = 8
_JUMP = 0.12
"""The last ticks differ by so much from the line, as a share: not jitter, a new tempo."""
_HOLE_S = 60 / SLOWEST_BPM / TICKS_A_BEAT * 2


class MidiClock:
    """Hears the real-time messages of one sender, each with its time in s."""

    def __init__(self) -> None:
        self._times_s: deque[float] = deque(maxlen=_WINDOW_TICKS)
        self._next_tick = 0

    def tick(self, at_s: float) -> None:
        """A timing clock message came."""
        times = self._times_s
        if times and not 0 <= at_s - times[-1] <= _HOLE_S:
            times.clear()
        times.append(at_s)
        self._next_tick += 1
        if len(times) > FEWEST_TICKS and self._has_jumped():
            recent = list(islice(times, len(times) - _RECENT_TICKS, None))
            times.clear()
            times.extend(recent)

    def seek(self, song_position: int) -> None:
        """The next tick is that of ``song_position``, in semiquavers: 0 at Start."""
        self._next_tick = song_position * TICKS_A_POSITION

    @property
    def line(self) -> TempoLine | None:
        """Tempo and beat by the last ticks; None before there are enough."""
        if len(self._times_s) < FEWEST_TICKS:
            return None
        times = np.array(self._times_s)
        tick_s, middle_s = _slope(times), float(times.mean())
        tempo_bpm = 60 / (tick_s * TICKS_A_BEAT) if tick_s > 0 else np.inf
        if not SLOWEST_BPM <= tempo_bpm <= FASTEST_BPM:
            return None
        middle_tick = self._next_tick - 1 - (times.size - 1) / 2
        return TempoLine(float(tempo_bpm), middle_tick / TICKS_A_BEAT, middle_s)

    def _has_jumped(self) -> bool:
        times = np.array(self._times_s)
        before, recent = _slope(times[:-_RECENT_TICKS]), _slope(times[-_RECENT_TICKS:])
        return abs(recent - before) > _JUMP * before


def _slope(times_s: np.ndarray) -> float:
    """Seconds a tick, by least squares."""
    ticks = np.arange(times_s.size) - (times_s.size - 1) / 2
    return float(ticks @ times_s / (ticks @ ticks)) if times_s.size > 1 else 0.0
