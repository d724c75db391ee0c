"""Another pitch at the same tempo: what is decoded is read at another rate, and decoded at it too.

    plan(semitones) -> which frames a block needs -> decoded -> play(them) -> the block
                       and how long each is heard      '-- here the playhead moves as long

An octave up reads two samples for one, so two frames are decoded for one that is heard, and the
playhead moves half a frame behind each. A library's resampler (soxr, libsamplerate) does not tell
beforehand what it will need; here that is counted first, so that each frame is decoded when it is
needed and with what the hands say then, in one step of the decoder a block.

::

    source   ...history|=====k=====|====k+1====|====k+2====|      whole frames, as decoded
    read        |. . . . . . . . . . . . .|<-reach->|             one block; the filter looks ahead

At 0 semitones, with the place at a whole sample, sound passes untouched and nothing is looked
ahead. Back at 0 the place lies between samples and frames: it drifts by less than a cent, within
half a minute, until it does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from server.engine.sinc import reach_samples, read
from server.system.arrays import Floats

HIGHEST = 2.0
"""The rate an octave up; beyond it there would be too little history."""

_HISTORY_SAMPLES = reach_samples(HIGHEST) + 1
_LARGEST_PREPARED = 64
"""A block that decodes more frames has time to prepare for that."""
_DRIFT = 2.0**-11
"""How much faster or slower sound drifts home: 0.85 cent."""


@dataclass(frozen=True)
class _ReadPath:
    """One frame of output: where each sample is read (hop,) and how fast; ``end`` is the next."""

    places: NDArray[np.float64]
    rates: NDArray[np.float64]
    end: float

    @property
    def is_plain(self) -> bool:
        """Whether these are samples as they are."""
        return bool(self.places[0] % 1 == 0 and (self.rates == 1).all())

    @property
    def needs_until(self) -> int:
        """The first sample that is not needed."""
        last = int(self.places[-1])
        return last + 1 if self.is_plain else last + 1 + reach_samples(float(self.rates.max()))

    def heard_at(self, sample: int) -> float:
        """When a sample is heard, in frames from this one's start; later as if it went on so."""
        if sample <= self.end:
            start = float(self.places[0])
            return (sample - start) / (self.end - start)
        return 1 + (sample - self.end) / (self.rates.size * float(self.rates[-1]))


@dataclass(frozen=True)
class TranspositionPlan:
    """What a block of N frames is made of: M frames to be decoded.

    ``columns`` (M,) says in which of the N frames each is needed first, ``durations`` (M,) how
    many frames long it will be heard, ``lead_frames`` how long before that it is decoded; ``rate``
    is the one at the block's end. The frame that is decoded next will be heard ``late_frames``
    later than is usual of one that is decoded with the next block's first.
    """

    columns: NDArray[np.int64]
    durations: NDArray[np.float64]
    lead_frames: float = 0.0
    rate: float = 1.0
    late_frames: float = 0.0
    ways: tuple[_ReadPath, ...] = ()

    @property
    def frames(self) -> int:
        """M: how many frames are to be decoded."""
        return int(self.columns.size)

    @property
    def is_plain(self) -> bool:
        """Whether what is decoded is what is played."""
        return not self.ways


def transposed_sizes(frames: int) -> range:
    """How many frames a block of ``frames`` may have decoded at any pitch, as far as that matters.

    >>> transposed_sizes(2)
    range(1, 7)
    """
    return range(1, min(2 * frames + 2, _LARGEST_PREPARED) + 1)


def _plain(frames: int) -> TranspositionPlan:
    return TranspositionPlan(np.arange(frames), np.ones(frames))


class Transposer:
    """Reads the decoder's stream at the rate of a pitch; one ``play`` follows each ``plan``."""

    def __init__(self, channels: int, hop_samples: int) -> None:
        self._channels = channels
        self._hop = hop_samples
        self.reset()

    def reset(self) -> None:
        """Forget what was decoded and not played, and play from the next frame on as it comes."""
        self._source: Floats = np.zeros((self._channels, _HISTORY_SAMPLES), np.float32)
        self._place = float(_HISTORY_SAMPLES)
        self._rate: float | None = None
        self._next_heard = 0.0
        self._owed = 0.0
        self._lead_frames = 0.0

    def rest(self, frames: int) -> TranspositionPlan:
        """Nothing is heard for N frames: forget, and plan for them as for 0 semitones."""
        self.reset()
        return _plain(frames)

    def plan(self, semitones: NDArray[np.float64]) -> TranspositionPlan:
        """What the next N frames need, at ``semitones`` (N,) as they are at the frames' ends."""
        rates = 2.0 ** (semitones / 12)
        frames, there = rates.size, self._source.shape[1]
        before = float(rates[0]) if self._rate is None else self._rate
        self._rate = float(rates[-1])
        if self._place == there and before == 1 and (rates == 1).all():
            return _plain(frames)
        ways = tuple(self._ways(before, rates))
        missing = np.array([way.needs_until - there for way in ways])
        counts = np.maximum.accumulate(np.maximum(-(-missing // self._hop), 0))
        columns = np.repeat(np.arange(frames), np.diff(counts, prepend=0))
        heard, durations = self._times(ways, columns)
        if columns.size:
            self._lead_frames = float((heard - columns).mean())
        usual = reach_samples(self._rate) / (self._hop * self._rate) + 0.5
        late_frames = self._next_heard - usual
        return TranspositionPlan(
            columns, durations, self._lead_frames, self._rate, late_frames, ways
        )

    def play(self, plan: TranspositionPlan, decoded: Floats) -> Floats:
        """The block (C, N*hop) from what was ``decoded`` (C, M*hop) as planned."""
        source = np.concatenate([self._source, decoded], axis=1)
        if plan.is_plain:
            self._source = source[:, -_HISTORY_SAMPLES:].copy()
            return decoded
        played = [self._read(source, way) for way in plan.ways]
        gone = int(self._place) - _HISTORY_SAMPLES
        self._source, self._place = source[:, gone:].copy(), self._place - gone
        return np.concatenate(played, axis=1)

    def _read(self, source: Floats, way: _ReadPath) -> Floats:
        self._place = way.end
        if way.is_plain:
            start = int(way.places[0])
            return source[:, start : start + self._hop]
        return read(source, way.places, way.rates)

    def _ways(self, before: float, ends: NDArray[np.float64]) -> Iterator[_ReadPath]:
        """Frame by frame, from each end's rate straight to the next one's."""
        place, shares = self._place, np.arange(1, self._hop + 1) / self._hop
        starts = [before, *ends[:-1].tolist()]
        for start, end in zip(starts, ends.tolist(), strict=True):
            is_home = start == end == 1
            drift = self._drift(place) if is_home else 0.0
            rates = start + (end - start) * shares + drift
            places = place + np.concatenate([[0.0], np.cumsum(rates)])
            place = float(places[-1])
            if is_home and abs(drift) < _DRIFT:
                place = float(round(place))
            yield _ReadPath(places[:-1], rates, place)

    def _drift(self, place: float) -> float:
        """How much faster to read, so that frames begin with the decoder's."""
        away = (self._source.shape[1] - place) % self._hop / self._hop
        return float(np.clip(away - round(away), -_DRIFT, _DRIFT))

    def _times(
        self, ways: tuple[_ReadPath, ...], columns: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """When each frame will be heard, in frames from the block's start, and how long (M,).

        When the next one will be is a guess, at the rate of the moment. What it was wrong by is
        made up for, but never backwards, so that over hours nothing is lost.
        """
        heard, durations = np.zeros(columns.size), np.zeros(columns.size)
        sample = self._source.shape[1]
        for m, n in enumerate(columns.tolist()):
            heard[m], until = (n + ways[n].heard_at(s) for s in (sample, sample + self._hop))
            sample += self._hop
            wanted = until - self._next_heard + self._owed
            durations[m] = max(wanted, 0.0)
            self._owed, self._next_heard = wanted - durations[m], until
        self._next_heard -= len(ways)
        return heard, durations
