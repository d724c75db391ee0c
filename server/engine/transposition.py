"""Transposition: decoded sound is read at another rate, and decoded at that rate too.

    plan(semitones) -> which frames a block needs -> decoded -> play(them) -> the block
                       and how long each sounds       '-- here the playhead moves as long

An octave up reads two samples for one, so two frames are decoded for each that is heard, and the
playhead moves half a frame after each. A library's resampler (soxr, libsamplerate) cannot say in
advance what it will need; here that is counted first, so that each frame is decoded when it is
needed and with the controls of that moment, in one step of the decoder per block.

::

    source   ...history|=====k=====|====k+1====|====k+2====|      whole frames, as decoded
    read        |. . . . . . . . . . . . .|<-reach->|             one block; the filter looks ahead

At 0 semitones, with the place at a whole sample, sound passes untouched and without look-ahead.
After a return to 0 the place is between samples and frames: it drifts by less than a cent until it
is whole again, within half a minute.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from export.audio.arrays import Floats
from server.engine.sinc import reach_samples, read

HIGHEST_RATE = 2.0
"""The rate an octave up; beyond it there would be too little history."""

_HISTORY_SAMPLES = reach_samples(HIGHEST_RATE) + 1
_LARGEST_PREPARED = 64
"""A block that decodes more frames has time to prepare for that."""
_DRIFT = 2.0**-11
"""The rate at which sound drifts back, relative to its own: 0.85 cent."""


@dataclass(frozen=True)
class _ReadPath:
    """One frame of output: where each sample is read (hop,), how fast, and the next place."""

    places: NDArray[np.float64]
    rates: NDArray[np.float64]
    end: float

    @property
    def is_plain(self) -> bool:
        """True if these are samples as they are."""
        return bool(self.places[0] % 1 == 0 and (self.rates == 1).all())

    @property
    def needs_until(self) -> int:
        """The first sample that is not needed."""
        last = int(self.places[-1])
        return last + 1 if self.is_plain else last + 1 + reach_samples(float(self.rates.max()))

    def heard_at(self, sample: int) -> float:
        """The time of a sample, in frames from this one's start; extrapolated beyond its end."""
        if sample <= self.end:
            start = float(self.places[0])
            return (sample - start) / (self.end - start)
        return 1 + (sample - self.end) / (self.rates.size * float(self.rates[-1]))


@dataclass(frozen=True)
class TranspositionPlan:
    """The M decoded frames that make a block of N frames.

    ``columns`` (M,) is the first of the N frames that needs each, ``durations`` (M,) how many
    frames long each sounds, ``lead_frames`` how long before that it is decoded; ``rate`` is the one
    at the block's end. The frame that is decoded next will be heard ``late_frames`` later than
    usual for the first frame of a block.
    """

    columns: NDArray[np.int64]
    durations: NDArray[np.float64]
    lead_frames: float = 0.0
    rate: float = 1.0
    late_frames: float = 0.0
    paths: tuple[_ReadPath, ...] = ()

    @property
    def frames(self) -> int:
        """M: the number of frames to decode."""
        return int(self.columns.size)

    @property
    def is_plain(self) -> bool:
        """True if the decoded sound is played as it is."""
        return not self.paths


def transposed_sizes(frames: int) -> range:
    """Return how many frames a block of ``frames`` may decode, up to the largest prepared.

    >>> transposed_sizes(2)
    range(1, 7)
    """
    return range(1, min(2 * frames + 2, _LARGEST_PREPARED) + 1)


def _plain_plan(frames: int) -> TranspositionPlan:
    return TranspositionPlan(np.arange(frames), np.ones(frames))


class Transposer:
    """Reads the decoder's stream at the rate of a pitch; one ``play`` follows each ``plan``."""

    def __init__(self, channels: int, hop_samples: int) -> None:
        self._channels = channels
        self._hop = hop_samples
        self.reset()

    def reset(self) -> None:
        """Forget decoded sound that was not played, and play the next frame unchanged."""
        self._source: Floats = np.zeros((self._channels, _HISTORY_SAMPLES), np.float32)
        self._place = float(_HISTORY_SAMPLES)
        self._rate: float | None = None
        self._next_heard = 0.0
        self._owed = 0.0
        self._lead_frames = 0.0

    def rest(self, frames: int) -> TranspositionPlan:
        """Plan N silent frames: reset, as for 0 semitones."""
        self.reset()
        return _plain_plan(frames)

    def plan(self, semitones: NDArray[np.float64]) -> TranspositionPlan:
        """Plan the next N frames at ``semitones`` (N,), given at the frames' ends."""
        rates = 2.0 ** (semitones / 12)
        frames, source_samples = rates.size, self._source.shape[1]
        previous_rate = float(rates[0]) if self._rate is None else self._rate
        self._rate = float(rates[-1])
        if self._place == source_samples and previous_rate == 1 and (rates == 1).all():
            return _plain_plan(frames)
        paths = tuple(self._paths(previous_rate, rates))
        missing = np.array([path.needs_until - source_samples for path in paths])
        counts = np.maximum.accumulate(np.maximum(-(-missing // self._hop), 0))
        columns = np.repeat(np.arange(frames), np.diff(counts, prepend=0))
        heard, durations = self._times(paths, columns)
        if columns.size:
            self._lead_frames = float((heard - columns).mean())
        usual = reach_samples(self._rate) / (self._hop * self._rate) + 0.5
        late_frames = self._next_heard - usual
        return TranspositionPlan(
            columns, durations, self._lead_frames, self._rate, late_frames, paths
        )

    def play(self, plan: TranspositionPlan, decoded: Floats) -> Floats:
        """Return the block (C, N*hop) from what was ``decoded`` (C, M*hop) as planned."""
        source = np.concatenate([self._source, decoded], axis=1)
        if plan.is_plain:
            self._source = source[:, -_HISTORY_SAMPLES:].copy()
            return decoded
        played = [self._read(source, path) for path in plan.paths]
        consumed = int(self._place) - _HISTORY_SAMPLES
        self._source, self._place = source[:, consumed:].copy(), self._place - consumed
        return np.concatenate(played, axis=1)

    def _read(self, source: Floats, path: _ReadPath) -> Floats:
        self._place = path.end
        if path.is_plain:
            start = int(path.places[0])
            return source[:, start : start + self._hop]
        return read(source, path.places, path.rates)

    def _paths(self, first_rate: float, ends: NDArray[np.float64]) -> Iterator[_ReadPath]:
        """Yield the paths frame by frame; rates are linear from each end to the next."""
        place, shares = self._place, np.arange(1, self._hop + 1) / self._hop
        starts = [first_rate, *ends[:-1].tolist()]
        for start, end in zip(starts, ends.tolist(), strict=True):
            is_untransposed = start == end == 1
            drift = self._drift(place) if is_untransposed else 0.0
            rates = start + (end - start) * shares + drift
            places = place + np.concatenate([[0.0], np.cumsum(rates)])
            place = float(places[-1])
            if is_untransposed and abs(drift) < _DRIFT:
                place = float(round(place))
            yield _ReadPath(places[:-1], rates, place)

    def _drift(self, place: float) -> float:
        """The change of rate that lines frames up with the decoder's again."""
        offset = (self._source.shape[1] - place) % self._hop / self._hop
        return float(np.clip(offset - round(offset), -_DRIFT, _DRIFT))

    def _times(
        self, paths: tuple[_ReadPath, ...], columns: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The time of each frame, in frames from the block's start, and its duration (M,).

        When the next one will be heard is a guess, at the present rate. The error is made up for,
        but never backwards, so that nothing is lost over hours.
        """
        heard, durations = np.zeros(columns.size), np.zeros(columns.size)
        sample = self._source.shape[1]
        for m, n in enumerate(columns.tolist()):
            heard[m], until = (n + paths[n].heard_at(s) for s in (sample, sample + self._hop))
            sample += self._hop
            due_frames = until - self._next_heard + self._owed
            durations[m] = max(due_frames, 0.0)
            self._owed, self._next_heard = due_frames - durations[m], until
        self._next_heard -= len(paths)
        return heard, durations
