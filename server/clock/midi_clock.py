"""MIDI clock: 24 ticks a beat with jitter, fitted by a straight line.

Ports are read every few milliseconds and senders are no more exact, so that a single tick says
little: the line is the least-squares fit of the last two beats of ticks, without outliers from the
robust line through all of them (Theil and Sen's). A tempo change is noticed within a few ticks;
lost or doubled ticks are counted correctly once the ticks after them show it::

    tempo jumps      . . . . . .  .  .  .      the last ticks: another distance
    a tick is lost   . . . .   . . . . .       the same distance, shifted by a whole one
    a burst          . . . .    ::.. . .       neither: outliers are ignored

Ticks alone do not tell which one is on the beat: that is known from a Start, or from a Continue at
the song position; and no longer after a gap in the ticks.
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
"""Song position counts semiquavers."""
FEWEST_TICKS = 12
"""No tempo is known before that."""

_WINDOW_TICKS = 2 * TICKS_A_BEAT + 1
_FEWEST_RECENT, _MOST_RECENT = 8, 24
"""The last ticks, compared with those before them: this long, within these numbers."""
_RECENT_S = 0.12
"""The duration of the last ticks that are compared with those before, within these numbers."""
_FEWEST_BEFORE = 5
_JUMP = 0.12
"""The last ticks differ by this share from the line: not jitter, but a new tempo."""
_SAME = 0.03
_STRAIGHT_S, _STRAIGHT_TICKS = 0.0025, 0.1
"""The largest deviation (rms) from their own line at which ticks count as a line."""
_WHOLE_TICKS = 0.2
"""The largest deviation from a whole number of ticks, for lost or doubled ones: else the sender was
delayed.
"""
_OUTLIER = 4.5
"""Times the median."""
_GAP_S = 60 / SLOWEST_BPM / TICKS_A_BEAT * 2


@dataclass(frozen=True)
class _Fit:
    """The least-squares line through some ticks: tick ``middle`` is at ``middle_s``."""

    middle: float
    middle_s: float
    tick_s: float
    rms_s: float


class MidiClock:
    """Follows the real-time messages of one sender, each with its time in s."""

    def __init__(self) -> None:
        self._ticks: deque[tuple[int, float]] = deque(maxlen=_WINDOW_TICKS)
        self._next_tick = 0
        self._song_tick: int | None = None  # the tick of beat 0
        self._first_tick: int | None = None  # the first tick since the song was started
        self._stopped_ticks = 0  # the place in the song while it is stopped
        self.seeks = 0
        """The number of times the song was started, or moved while it ran."""

    @property
    def last_s(self) -> float | None:
        """The time of the last tick; None before the first, and after a gap."""
        return self._ticks[-1][1] if self._ticks else None

    @property
    def is_running(self) -> bool:
        """True if the song was started and not stopped."""
        return self._first_tick is not None

    def tick(self, at_s: float) -> None:
        """Process a timing clock message."""
        if self.last_s is not None and not 0 <= at_s - self.last_s <= _GAP_S:
            self._ticks.clear()
            if self._first_tick is not None and self._next_tick > self._first_tick:
                self._song_tick = None
        self._ticks.append((self._next_tick, at_s))
        self._next_tick += 1
        self._compare()

    def start(self) -> None:
        """Start the song: the next tick is beat 0."""
        self._stopped_ticks = 0
        self.resume()

    def resume(self) -> None:
        """Continue the song: the next tick is at the song position."""
        self._first_tick = self._next_tick
        self._song_tick = self._next_tick - self._stopped_ticks
        self.seeks += 1

    def stop(self) -> None:
        """Stop the song; ticks may continue."""
        if self.is_running and self._song_tick is not None:
            self._stopped_ticks = self._next_tick - self._song_tick
        self._first_tick = None

    def seek(self, song_position: int) -> None:
        """Move to ``song_position``, in semiquavers: the next tick of the song is there."""
        self._stopped_ticks = song_position * TICKS_A_POSITION
        if self.is_running:
            self.resume()

    @property
    def line(self) -> TempoLine | None:
        """Tempo and beat from the last ticks; None before there are enough."""
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
        """The clock to follow in phase; None where it is unknown which tick is on the beat."""
        line = self.line
        if line is None or self._song_tick is None:
            return None
        from_beat = self._stopped_ticks / TICKS_A_BEAT
        return Lead(line, self.seeks, from_beat, self.is_running)

    def _fit(self) -> _Fit | None:
        """The line through all ticks but outliers."""
        if len(self._ticks) < FEWEST_TICKS:
            return None
        ticks = np.array(self._ticks)
        rough = _robust_fit(ticks)
        off = np.abs(ticks[:, 1] - rough.middle_s - (ticks[:, 0] - rough.middle) * rough.tick_s)
        near = ticks[off <= _OUTLIER * np.median(off) + 1e-9]
        return _fit(near) if len(near) >= FEWEST_TICKS else rough

    def _compare(self) -> None:
        """Compare the last ticks with those before: a new tempo, or a wrong count?"""
        if len(self._ticks) < _FEWEST_RECENT + _FEWEST_BEFORE:
            return
        ticks = np.array(self._ticks)
        tick_s = float(np.median(np.diff(ticks[:, 1])))
        recent = round(min(max(_RECENT_S / max(tick_s, 1e-9), _FEWEST_RECENT), _MOST_RECENT))
        if len(ticks) < recent + _FEWEST_BEFORE:
            return
        earlier, latest = _robust_fit(ticks[:-recent]), _fit(ticks[-recent:])
        if latest.rms_s > max(_STRAIGHT_S, _STRAIGHT_TICKS * latest.tick_s):
            return
        change = abs(latest.tick_s - earlier.tick_s) / max(earlier.tick_s, 1e-9)
        if change > _JUMP:
            self._keep_last(recent)
        elif change < _SAME and earlier.tick_s > 0:
            self._count(earlier, latest, recent)

    def _keep_last(self, count: int) -> None:
        last = list(self._ticks)[-count:]
        self._ticks.clear()
        self._ticks.extend(last)

    def _count(self, earlier: _Fit, latest: _Fit, recent: int) -> None:
        """Correct the count: ticks that are late by whole ticks mean that as many were lost."""
        late = (latest.middle_s - earlier.middle_s) / earlier.tick_s - (
            latest.middle - earlier.middle
        )
        lost = round(late)
        if lost == 0 or abs(late - lost) > _WHOLE_TICKS:
            return
        ticks = list(self._ticks)
        shifted = [(number + lost, at_s) for number, at_s in ticks[-recent:]]
        self._ticks.clear()
        self._ticks.extend([*ticks[:-recent], *shifted])
        self._next_tick += lost


def _fit(ticks: NDArray[np.float64]) -> _Fit:
    """Fit ticks (N,2), number and time in s, by least squares."""
    middle, middle_s = (float(one) for one in ticks.mean(axis=0))
    numbers, times = ticks[:, 0] - middle, ticks[:, 1] - middle_s
    square = float(numbers @ numbers)
    tick_s = float(numbers @ times) / square if square else 0.0
    return _Fit(middle, middle_s, tick_s, float(np.sqrt(np.mean((times - numbers * tick_s) ** 2))))


def _robust_fit(ticks: NDArray[np.float64]) -> _Fit:
    """Fit ticks by medians (Theil and Sen): up to a quarter of them may be anywhere.

    A delayed sender sends a burst of ticks, and perhaps one too few of them; least squares through
    those would be off by most of a tick and hide it.
    """
    numbers, times = ticks.T
    first, second = np.triu_indices(len(ticks), 1)
    apart = numbers[second] - numbers[first]
    is_distinct = apart != 0  # two ticks of the same number: one was doubled
    tick_s = float(np.median((times[second] - times[first])[is_distinct] / apart[is_distinct]))
    middle = float(numbers.mean())
    residuals = times - (numbers - middle) * tick_s
    middle_s = float(np.median(residuals))
    return _Fit(middle, middle_s, tick_s, float(np.sqrt(np.mean((residuals - middle_s) ** 2))))
