"""The original recording instead of what is decoded from it, at the same place: to compare.

    decoded  ---------------------------.
    deck a: recording at the playhead --(+)-->  what is bypassed is heard alone, several in equal
    deck b: recording at the playhead --'       parts; wherever /interp is

The recording is as late as the decoder, so that both are at one place. Each frame is faded in over
the frame before it, read on: where the playhead runs evenly these are the same samples, and where
it leaps, or another recording is laid onto the deck, they are cross-faded. At another speed than 1
the recording is played slower or faster, as tape is, and held still it is silent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from export.bundle.format import Manifest
from server.controls.addresses import DECKS
from server.engine.deck import DeckData, Recording
from server.engine.generator import LARGEST_STEP_FRAMES
from server.engine.glide import ramp_between
from server.engine.playhead import TimePositions
from server.system.arrays import Floats

_SILENT_BELOW = 10.0
"""Below a tenth of its speed it fades: what stands still would be a constant, no sound."""


class Bypass:
    """Lays the recordings of the decks over what is decoded."""

    def __init__(self, manifest: Manifest) -> None:
        self._hop_samples = manifest.hop_samples
        self._frames_per_tick = manifest.frames_per_tick
        self._heads = [_Head(manifest.hop_samples, manifest.latency_samples) for _ in DECKS]
        self._before = [0.0] * len(DECKS)

    def mix(
        self,
        decoded: Floats,
        where: TimePositions,
        wanted: NDArray[np.float64],
        decks: Sequence[DeckData | None],
    ) -> Floats:
        """Audio (C, N*hop): ``decoded``, and instead of it as much as is ``wanted`` (4,N)."""
        shares, sounds = [], []
        for index, deck in enumerate(decks):
            ends = wanted[index] if deck and deck.recording is not None else wanted[index] * 0
            if not ends.any() and not self._before[index]:
                self._heads[index].rest()
                continue
            shares.append(ramp_between(ends, self._before[index], self._hop_samples))
            is_heard = (ends > 0) | (np.concatenate([[self._before[index]], ends[:-1]]) > 0)
            self._before[index] = float(ends[-1])
            sounds.append(self._heads[index].read(deck, self._frames(deck, where), is_heard))
        if not shares:
            return decoded
        total = np.sum(shares, axis=0)
        originals = np.sum(np.multiply(shares, sounds), axis=0) / np.maximum(total, 1.0)
        mixed: Floats = (decoded * (1 - np.minimum(total, 1.0)) + originals).astype(np.float32)
        return mixed

    def _frames(self, deck: DeckData | None, where: TimePositions) -> NDArray[np.float64]:
        """Where the deck is read, in frames (N,) from its start."""
        if deck is None:
            return np.zeros(where.size)
        return (where.on(deck.ticks, deck.beats).ticks + 0.5) * self._frames_per_tick - 0.5


@dataclass(frozen=True, eq=False)
class _Run:
    """A frame's way through a recording: from ``start`` on by ``step`` samples a sample."""

    recording: Recording | None
    start: float
    step: float

    def read(self, offsets: NDArray[np.float64]) -> Floats:
        if self.recording is None:
            return np.zeros(offsets.size, np.float32)
        still = np.float32(min(abs(self.step) * _SILENT_BELOW, 1.0))
        return self.recording.at(self.start + self.step * offsets) * still


class _Head:
    """Reads one deck's recording, frame by frame."""

    def __init__(self, hop_samples: int, latency_samples: int) -> None:
        self._offsets = np.arange(hop_samples, dtype=np.float64)
        self._rise = (np.arange(1, hop_samples + 1) / hop_samples).astype(np.float32)
        self._hop_samples = hop_samples
        self._latency_samples = latency_samples
        self._before: _Run | None = None

    def rest(self) -> None:
        """Nothing is heard of it; the next frame begins afresh."""
        self._before = None

    def read(
        self, deck: DeckData | None, frames: NDArray[np.float64], is_heard: NDArray[np.bool_]
    ) -> Floats:
        """Audio (N*hop,) at ``frames`` (N,) of the deck, where it ``is_heard`` (N,)."""
        recording = deck.recording if deck else None
        return np.concatenate(
            [
                self._frame(recording, float(frame)) if heard else self._silence()
                for frame, heard in zip(frames, is_heard, strict=True)
            ]
        )

    def _silence(self) -> Floats:
        """A frame in which it rests."""
        self.rest()
        return np.zeros(self._hop_samples, np.float32)

    def _frame(self, recording: Recording | None, frame: float) -> Floats:
        start = frame * self._hop_samples - self._latency_samples
        before = self._before
        run = _Run(recording, start, 1.0 if before is None else self._step(before, start))
        self._before = run
        now = run.read(self._offsets)
        if before is None:
            return now
        old = before.read(self._offsets + self._hop_samples)
        return old + (now - old) * self._rise

    def _step(self, before: _Run, start: float) -> float:
        """Samples a sample, as from the last frame to this one; the last one's after a leap."""
        moved = start - before.start
        if before.recording is not None:  # the shorter way around the loop
            moved -= before.recording.samples * round(moved / before.recording.samples)
        step = moved / self._hop_samples
        return step if abs(step) <= LARGEST_STEP_FRAMES else before.step
