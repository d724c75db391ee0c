"""The original recording instead of its decoded version, at the same place, for comparison.

    decoded  ---------------------------.
    deck a: recording at the playhead --(+)-->  bypassed decks replace the decoded sound, in equal
    deck b: recording at the playhead --'       parts where there are several; wherever /interp is

The recording is delayed by the decoder's latency, so that both are at one place. Each frame fades
in over the continuation of the previous one: where the playhead runs evenly, these are the same
samples; where it jumps, or another recording is loaded, they are crossfaded. At a speed other than
1 the recording plays slower or faster, like tape; at rest it is silent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from export.audio.arrays import Floats
from export.bundle.format import Manifest
from server.controls.addresses import DECKS
from server.engine.deck import DeckData, Recording
from server.engine.generator import LARGEST_STEP_FRAMES
from server.engine.glide import ramp_between
from server.engine.playhead import TimePositions, around_loop, frames_at
from server.engine.synthesis import CHANNELS

_GAIN_PER_SPEED = 10.0
"""Below a tenth of its speed the recording fades: at rest it would be a constant, not a sound."""


class Bypass:
    """Replaces the decoded sound by the decks' recordings."""

    def __init__(self, manifest: Manifest) -> None:
        self._hop_samples = manifest.hop_samples
        self._frames_per_tick = manifest.frames_per_tick
        self._readers = [
            _RecordingReader(manifest.hop_samples, manifest.latency_samples) for _ in DECKS
        ]
        self._previous_amounts = [0.0] * len(DECKS)

    def mix(
        self,
        decoded: Floats,
        positions: TimePositions,
        amounts: NDArray[np.float64],
        decks: Sequence[DeckData | None],
    ) -> Floats:
        """Return ``decoded`` (2, N*hop), with ``amounts`` (4,N) of the recordings in its place."""
        shares, sounds = [], []
        for index, deck in enumerate(decks):
            ends = amounts[index] if deck and deck.recording is not None else amounts[index] * 0
            if not ends.any() and not self._previous_amounts[index]:
                self._readers[index].stop()
                continue
            shares.append(ramp_between(ends, self._previous_amounts[index], self._hop_samples))
            starts = np.concatenate([[self._previous_amounts[index]], ends[:-1]])
            is_audible = (ends > 0) | (starts > 0)
            self._previous_amounts[index] = float(ends[-1])
            sounds.append(
                self._readers[index].read(deck, self._frames(deck, positions), is_audible)
            )
        if not shares:
            return decoded
        total = np.sum(shares, axis=0)
        originals = sum(
            share * sound for share, sound in zip(shares, sounds, strict=True)
        ) / np.maximum(total, 1.0)
        mixed: Floats = (decoded * (1 - np.minimum(total, 1.0)) + originals).astype(np.float32)
        return mixed

    def _frames(self, deck: DeckData | None, positions: TimePositions) -> NDArray[np.float64]:
        """The places (N,) at which the deck is read, in frames from its start."""
        if deck is None:
            return np.zeros(positions.size)
        return frames_at(positions.on(deck.ticks, deck.beats).ticks, self._frames_per_tick)


@dataclass(frozen=True, eq=False)
class _RecordingPath:
    """One frame's path through a recording: from ``start``, ``step`` samples per output sample."""

    recording: Recording | None
    start: float
    step: float

    def read(self, offsets: NDArray[np.float64]) -> Floats:
        if self.recording is None:
            return np.zeros((CHANNELS, offsets.size), np.float32)
        gain = np.float32(min(abs(self.step) * _GAIN_PER_SPEED, 1.0))
        return self.recording.at(self.start + self.step * offsets) * gain


class _RecordingReader:
    """Reads one deck's recording, frame by frame."""

    def __init__(self, hop_samples: int, latency_samples: int) -> None:
        self._offsets = np.arange(hop_samples, dtype=np.float64)
        self._rise = (np.arange(1, hop_samples + 1) / hop_samples).astype(np.float32)
        self._hop_samples = hop_samples
        self._latency_samples = latency_samples
        self._previous: _RecordingPath | None = None

    def stop(self) -> None:
        """Forget the previous frame; the next one starts without a crossfade."""
        self._previous = None

    def read(
        self, deck: DeckData | None, frames: NDArray[np.float64], is_audible: NDArray[np.bool_]
    ) -> Floats:
        """Return audio (2, N*hop) at ``frames`` (N,) of the deck; silence unless ``is_audible``."""
        recording = deck.recording if deck else None
        return np.concatenate(
            [
                self._frame(recording, float(frame)) if audible else self._silence()
                for frame, audible in zip(frames, is_audible, strict=True)
            ],
            axis=1,
        )

    def _silence(self) -> Floats:
        self.stop()
        return np.zeros((CHANNELS, self._hop_samples), np.float32)

    def _frame(self, recording: Recording | None, frame: float) -> Floats:
        start = frame * self._hop_samples - self._latency_samples
        previous = self._previous
        path = _RecordingPath(
            recording, start, 1.0 if previous is None else self._step(previous, start)
        )
        self._previous = path
        now = path.read(self._offsets)
        if previous is None:
            return now
        continued = previous.read(self._offsets + self._hop_samples)
        return continued + (now - continued) * self._rise

    def _step(self, previous: _RecordingPath, start: float) -> float:
        """Samples per output sample since the previous frame; unchanged after a jump."""
        distance = start - previous.start
        if previous.recording is not None:
            distance = around_loop(distance, previous.recording.samples)
        step = distance / self._hop_samples
        return step if abs(step) <= LARGEST_STEP_FRAMES else previous.step
