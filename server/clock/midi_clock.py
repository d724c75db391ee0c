"""MIDI clock: 24 ticks a beat that come when they like, read as a straight line.

Ports are emptied every few milliseconds and senders are no more exact, so one tick says little:
the line is the one of least squares through the last two beats of ticks, without those that are far
off the median line through all (Theil and Sen's). A tempo that jumps is heard within a few ticks;
ticks that were lost or doubled are counted right once those behind them show it::

    tempo jumps      . . . . . .  .  .  .      the last ticks: another distance
    a tick is lost   . . . .   . . . . .       the same distance, shifted by a whole one
    a burst          . . . .    ::.. . .       neither: what is far off is passed over

Ticks alone do not say which one is on the beat: that is known from Start, or from Continue at the
song position, on; and no more behind a hole in the ticks.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from server.clock.tempo_line import Lead, TempoLine
from server.controls.addresses import FASTEST_BPM, SLOWEST_BPM

TICKS_A_BEAT = 24
TICKS_A_POSITION = 6
"""Song position is counted in semiquavers."""
FEWEST_TICKS = 12
"""Before that the tempo is not told."""

_WINDOW_TICKS = 2 * TICKS_A_BEAT + 1
_FEWEST_RECENT, _MOST_RECENT = 8, 24
_RECENT_S = 0.12
"""The last ticks that are held against those before: so long, within so many."""
_FEWEST_BEFORE = 5
_JUMP = 0.12
"""The last ticks differ by so much from the line, as a share: not jitter, a new tempo."""
_SAME = 0.03
_STRAIGHT_S, _STRAIGHT_TICKS = 0.0025, 0.1
"""By so much ticks may be off their own line (rms) to be taken for one."""
_WHOLE_TICKS = 0.2
"""Off a whole number of them, for ticks to be lost or doubled: else the sender was held up."""
_FAR_OFF = 4.5
"""Times the median."""
_HOLE_S = 60 / SLOWEST_BPM / TICKS_A_BEAT * 2


@dataclass(frozen=True)
class _Fit:
    """The line through some ticks, by least squares: at tick ``middle`` it is ``middle_s``."""

    middle: float
    middle_s: float
    tick_s: float
    rms_s: float


class MidiClock:
    """Hears the real-time messages of one sender, each with its time in s."""

    def __init__(self) -> None:
        self._ticks: deque[tuple[int, float]] = deque(maxlen=_WINDOW_TICKS)
        self._next_tick = 0
        self._song_tick: int | None = None  # the one that is beat 0
        self._first_tick: int | None = None  # the first of the song since it runs
        self._held_ticks = 0  # the place in the song while it does not
        self.seeks = 0
        """How often the song was begun or moved while it ran."""

    @property
    def last_s(self) -> float | None:
        """When the last tick came; None before the first, and behind a hole."""
        return self._ticks[-1][1] if self._ticks else None

    @property
    def is_running(self) -> bool:
        """Whether the song was started and not stopped."""
        return self._first_tick is not None

    def tick(self, at_s: float) -> None:
        """A timing clock message came."""
        if self.last_s is not None and not 0 <= at_s - self.last_s <= _HOLE_S:
            self._ticks.clear()
            if self._first_tick is not None and self._next_tick > self._first_tick:
                self._song_tick = None
        self._ticks.append((self._next_tick, at_s))
        self._next_tick += 1
        self._compare()

    def start(self) -> None:
        """The next tick is beat 0."""
        self._held_ticks = 0
        self.resume()

    def resume(self) -> None:
        """The next tick is that of the song position."""
        self._first_tick = self._next_tick
        self._song_tick = self._next_tick - self._held_ticks
        self.seeks += 1

    def stop(self) -> None:
        """The song stays where it is; ticks may go on."""
        if self.is_running and self._song_tick is not None:
            self._held_ticks = self._next_tick - self._song_tick
        self._first_tick = None

    def seek(self, song_position: int) -> None:
        """The song's next tick is that of ``song_position``, in semiquavers."""
        self._held_ticks = song_position * TICKS_A_POSITION
        if self.is_running:
            self.resume()

    @property
    def line(self) -> TempoLine | None:
        """Tempo and beat by the last ticks; None before there are enough."""
        fit = self._fit()
        if fit is None:
            return None
        tempo_bpm = 60 / (fit.tick_s * TICKS_A_BEAT) if fit.tick_s > 0 else np.inf
        if not SLOWEST_BPM <= tempo_bpm <= FASTEST_BPM:
            return None
        beat = (fit.middle - (self._song_tick or 0)) / TICKS_A_BEAT
        return TempoLine(tempo_bpm, beat, fit.middle_s)

    @property
    def lead(self) -> Lead | None:
        """What can be followed in phase; None where it is not known which tick is on the beat."""
        line = self.line
        if line is None or self._song_tick is None:
            return None
        from_beat = self._held_ticks / TICKS_A_BEAT
        return Lead(line, self.seeks, from_beat, self.is_running)

    def _fit(self) -> _Fit | None:
        """Through all ticks but those that are far off."""
        if len(self._ticks) < FEWEST_TICKS:
            return None
        ticks = np.array(self._ticks)
        rough = _robust_fit(ticks)
        off = np.abs(ticks[:, 1] - rough.middle_s - (ticks[:, 0] - rough.middle) * rough.tick_s)
        near = ticks[off <= _FAR_OFF * np.median(off) + 1e-9]
        return _fit(near) if len(near) >= FEWEST_TICKS else rough

    def _compare(self) -> None:
        """Hold the last ticks against those before: another tempo, or a wrong count?"""
        if len(self._ticks) < _FEWEST_RECENT + _FEWEST_BEFORE:
            return
        ticks = np.array(self._ticks)
        tick_s = float(np.median(np.diff(ticks[:, 1])))
        recent = round(min(max(_RECENT_S / max(tick_s, 1e-9), _FEWEST_RECENT), _MOST_RECENT))
        if len(ticks) < recent + _FEWEST_BEFORE:
            return
        before, now = _robust_fit(ticks[:-recent]), _fit(ticks[-recent:])
        if now.rms_s > max(_STRAIGHT_S, _STRAIGHT_TICKS * now.tick_s):
            return
        change = abs(now.tick_s - before.tick_s) / max(before.tick_s, 1e-9)
        if change > _JUMP:
            self._keep_last(recent)
        elif change < _SAME and before.tick_s > 0:
            self._count(before, now, recent)

    def _keep_last(self, count: int) -> None:
        kept = list(self._ticks)[-count:]
        self._ticks.clear()
        self._ticks.extend(kept)

    def _count(self, before: _Fit, now: _Fit, recent: int) -> None:
        """Where the last ticks come a whole number of ticks too late, so many were lost."""
        late = (now.middle_s - before.middle_s) / before.tick_s - (now.middle - before.middle)
        lost = round(late)
        if lost == 0 or abs(late - lost) > _WHOLE_TICKS:
            return
        ticks = list(self._ticks)
        shifted = [(number + lost, at_s) for number, at_s in ticks[-recent:]]
        self._ticks.clear()
        self._ticks.extend([*ticks[:-recent], *shifted])
        self._next_tick += lost


def _fit(ticks: NDArray[np.float64]) -> _Fit:
    """Through ticks (N,2): number and time in s."""
    middle, middle_s = (float(one) for one in ticks.mean(axis=0))
    numbers, times = ticks[:, 0] - middle, ticks[:, 1] - middle_s
    square = float(numbers @ numbers)
    tick_s = float(numbers @ times) / square if square else 0.0
    return _Fit(middle, middle_s, tick_s, float(np.sqrt(np.mean((times - numbers * tick_s) ** 2))))


def _robust_fit(ticks: NDArray[np.float64]) -> _Fit:
    """The same by medians (Theil and Sen): up to a quarter of the ticks may be anywhere.

    A machine that was held up gives a burst of ticks, and perhaps one too few of them; least
    squares through those would lie off by most of a tick and hide it.
    """
    numbers, times = ticks.T
    first, second = np.triu_indices(len(ticks), 1)
    apart = numbers[second] - numbers[first]
    told = apart != 0  # two ticks of one number: one was doubled
    tick_s = float(np.median((times[second] - times[first])[told] / apart[told]))
    middle = float(numbers.mean())
    away = times - (numbers - middle) * tick_s
    middle_s = float(np.median(away))
    return _Fit(middle, middle_s, tick_s, float(np.sqrt(np.mean((away - middle_s) ** 2))))
