"""Finds the steady beat of a recording, or none: rain, a held chord and rubato have none.

    samples -> librosa: onset strength, likely tempo -> the straight line of beats that fits best
                                                     -> how much of the recording keeps to it

librosa's tempo is one of the lags of its autocorrelation, which are one or two per cent apart: half
a beat after fifty. And its beats follow any onsets, in noise too. A deck that is read in beats
needs one line for the whole recording. So the line is fitted here: by the magnitude of the onsets'
Fourier sum at the beat's frequency and its harmonics, whose resolution is that of the whole length,
and then by the onsets on it. A part of ``PART_BEATS`` agrees if its own onsets put the line where
it is, to an eighth of a beat and a quarter of its strength (if a bar has two places of like
strength, both are right); by chance, half of the parts do.

librosa is imported inside functions: in the exporter and in the worker that encodes files, never in
the process that plays.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from export.audio.arrays import Floats
from export.bundle.beats import Beats

Curve = NDArray[np.float64]

STEP_S = 0.01
"""Approximate step of onset strength; times between steps are interpolated."""
SLOWEST_BPM, FASTEST_BPM = 40.0, 240.0
FEWEST_BEATS = 4
PART_BEATS = 4.0
LEAST_CONFIDENCE = 0.6
"""Share of the parts that agree: about half in noise, most in steady music."""
LEAST_CONTRAST = 5.0
"""Onsets on the line above the mean, in standard errors; the best line in noise and rain has 4."""

SHORTEST_S, LONGEST_S = 2.0, 1200.0
"""A longer recording is not searched: that would take more than half a minute."""

_BLOCK_S = 30.0
_PIECE_S, _WINDOW_S = 60.0, 8.0
_LOUDEST = 3.0
"""Most that one onset counts, in typical ones."""
_SEARCH = 0.05
"""Largest difference between the fitted tempo and librosa's, whose lags are coarse, as a share."""
_HARMONICS = 4
_FINE_TRIES = 32
_PHASES = 96


def find_beats(samples: Floats, sample_rate_hz: int) -> Beats | None:
    """Find the beats of a recording (T,); None if it has no steady tempo."""
    if samples.size > LONGEST_S * sample_rate_hz:
        return None
    onsets = _onsets(samples, sample_rate_hz)
    likely_bpm = _likely_tempo(onsets)
    if likely_bpm is None:
        return None
    line = _fitted(onsets, likely_bpm)
    beats = onsets.length_s / line.period_s
    if beats < FEWEST_BEATS - 0.5 or _contrast(onsets, line) < LEAST_CONTRAST:
        return None
    confidence = _agreement(onsets, line)
    if confidence < LEAST_CONFIDENCE:
        return None
    return Beats(60.0 / line.period_s, line.first_s % line.period_s, confidence)


@dataclass(frozen=True)
class _Onsets:
    """Onset strength every ``step_s``."""

    strength: Curve
    step_s: float

    @property
    def length_s(self) -> float:
        return self.strength.size * self.step_s

    def mean_at(self, times_s: Curve) -> float:
        """Mean strength at these times, each with its two neighbours."""
        if not times_s.size:
            return 0.0
        steps = times_s[:, None] / self.step_s + np.array([-1.0, 0.0, 1.0])
        below = np.clip(np.floor(steps).astype(np.int64), 0, self.strength.size - 2)
        share = np.clip(steps - below, 0.0, 1.0)
        between = self.strength[below] * (1 - share) + self.strength[below + 1] * share
        return float(between.mean())


@dataclass(frozen=True)
class _Line:
    period_s: float
    first_s: float

    def points(self, start_s: float, end_s: float) -> Curve:
        """The beats between two times, in s."""
        first, end = ((time - self.first_s) / self.period_s for time in (start_s, end_s))
        return np.asarray(
            self.first_s + np.arange(np.ceil(first), np.ceil(end)) * self.period_s, np.float64
        )


def _onsets(samples: Floats, sample_rate_hz: int) -> _Onsets:
    """Onset strength above its surroundings, limited to ``_LOUDEST``."""
    import librosa

    hop = round(STEP_S * sample_rate_hz)
    step_s = hop / sample_rate_hz
    steps, block, margin = samples.size // hop, round(_BLOCK_S / step_s), round(1.0 / step_s)
    parts = [np.zeros(0)]
    for start in range(0, steps, block):  # an hour's spectra at once would be gigabytes
        first = max(start - margin, 0)
        cut = samples[first * hop : (start + block + margin) * hop]
        strength = librosa.onset.onset_strength(y=cut, sr=sample_rate_hz, hop_length=hop)
        parts.append(strength[start - first : min(start + block, steps) - first])
    strength = np.concatenate(parts)
    if strength.size <= margin:
        return _Onsets(np.zeros(strength.size), step_s)
    around = np.convolve(strength, np.ones(margin) / margin, mode="same")
    above = np.maximum(strength - around, 0.0)
    typical = float(np.sqrt((above**2).mean())) or 1.0
    return _Onsets(np.minimum(above / typical, _LOUDEST), step_s)


def _likely_tempo(onsets: _Onsets) -> float | None:
    """librosa's tempo in bpm, which prefers tempos near 120 to 60 and 240, as people do."""
    import librosa

    if onsets.length_s < SHORTEST_S or not onsets.strength.any():
        return None
    rate_hz = 1 / onsets.step_s
    # Autocorrelations piece by piece: those of ten minutes at once are gigabytes.
    pieces = np.array_split(onsets.strength, math.ceil(onsets.length_s / _PIECE_S))
    window = librosa.time_to_frames(_WINDOW_S, sr=rate_hz, hop_length=1).item()
    mean = sum(
        librosa.feature.tempogram(
            onset_envelope=piece, sr=rate_hz, hop_length=1, win_length=window
        ).sum(axis=1, keepdims=True)
        for piece in pieces
    )
    (bpm,) = librosa.feature.tempo(
        tg=mean / onsets.strength.size, sr=rate_hz, hop_length=1, max_tempo=FASTEST_BPM
    )
    return float(bpm) if SLOWEST_BPM <= bpm <= FASTEST_BPM else None


def _fitted(onsets: _Onsets, likely_bpm: float) -> _Line:
    """The line near ``likely_bpm`` whose beats have the most onsets."""
    hz, width, count = likely_bpm / 60, _SEARCH, _tries(onsets.length_s, likely_bpm / 60)
    for _ in range(2):  # the second time, between the neighbours of the best
        around = hz * np.linspace(1 - width, 1 + width, count)
        hz = float(around[np.argmax(_pulse(onsets, around))])
        width, count = 2 * width / count, _FINE_TRIES
    firsts_s = np.arange(_PHASES) / _PHASES / hz
    lines = [_Line(1 / hz, float(first_s)) for first_s in firsts_s]
    return max(lines, key=lambda line: onsets.mean_at(line.points(0.0, onsets.length_s)))


def _tries(length_s: float, hz: float) -> int:
    """Number of frequencies to try, so close that the last beats differ by an eighth of a turn."""
    return max(math.ceil(8 * length_s * 2 * _SEARCH * hz * _HARMONICS), _FINE_TRIES)


def _pulse(onsets: _Onsets, frequencies_hz: Curve) -> Curve:
    """Sum over harmonics of the onsets' Fourier magnitudes at ``frequencies_hz``."""
    steps = np.flatnonzero(onsets.strength)
    strength, times_s = onsets.strength[steps], steps * onsets.step_s
    pulse = np.zeros(frequencies_hz.size)
    for n, hz in enumerate(frequencies_hz):
        turn = np.exp(-2j * np.pi * hz * times_s)
        powers = np.cumprod(np.broadcast_to(turn, (_HARMONICS, turn.size)), axis=0)
        pulse[n] = np.abs((strength * powers).sum(axis=1)).sum()
    return pulse


def _contrast(onsets: _Onsets, line: _Line) -> float:
    """Mean of the onsets on the line above the mean of all, in standard errors."""
    points_s = line.points(0.0, onsets.length_s)
    smooth = np.convolve(onsets.strength, np.ones(3) / 3, mode="same")
    error = smooth.std() / np.sqrt(max(points_s.size, 1))
    return float((onsets.mean_at(points_s) - smooth.mean()) / error) if error else 0.0


def _agreement(onsets: _Onsets, line: _Line) -> float:
    """Share of the parts whose own onsets put the line there."""
    part_s = PART_BEATS * line.period_s
    starts_s = np.arange(0.0, onsets.length_s - part_s / 2, part_s)
    shifts = np.arange(-8, 8) / 16
    near = np.abs(shifts) <= 1 / 8
    agreeing = 0
    for start_s in starts_s.tolist():
        end_s = min(start_s + part_s, onsets.length_s)
        means = np.array(
            [
                onsets.mean_at(
                    _Line(line.period_s, line.first_s + shift * line.period_s).points(
                        start_s, end_s
                    )
                )
                for shift in shifts.tolist()
            ]
        )
        agreeing += bool(means.max() > 0 and means[near].max() >= 3 / 4 * means.max())
    return agreeing / max(starts_s.size, 1)
