"""A loaded deck: one sequence of music as latents, ready to be read at any frame."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from export.audio.arrays import Floats
from export.audio.model_input import Captured
from export.audio.sequence import Sequence
from export.bundle.beats import Beats
from export.bundle.format import BundleDeck
from server.engine.playhead import TimePositions

MAX_RECORDING_S = 600.0
"""A longer file plays without its original recording: ten minutes are 53 MB at 44.1 kHz."""

_SEAM_S = 0.005
"""The recording fades out this long before its end and in at its start, because it loops."""


@dataclass(frozen=True, eq=False)
class Recording:
    """The sound that a deck was encoded from: one loop of it, stereo, in 16 bits (T, 2).

    ``mid`` are the shares of left and right in the mono sound that the encoder heard.
    """

    pcm: NDArray[np.int16]
    mid: tuple[float, float] = (0.5, 0.5)

    @property
    def samples(self) -> int:
        """T: the loop's length."""
        return len(self.pcm)

    def at(self, positions: NDArray[np.float64]) -> Floats:
        """Stereo (2, T) at fractional positions (T,), wrapped around the loop; linear between
        neighbours."""
        below = np.floor(positions)
        left = below.astype(np.int64) % self.samples
        right = (left + 1) % self.samples
        weight = (positions - below).astype(np.float32)[:, None]
        between = self.pcm[left] * (1 - weight) + self.pcm[right] * weight
        return np.asarray(between.T / np.float32(FULL_SCALE), np.float32)


FULL_SCALE = 32767


def recording_of(
    samples: Floats,
    sample_rate_hz: int,
    loop_samples: int,
    mid: tuple[float, float] = (0.5, 0.5),
) -> Recording | None:
    """Return one loop of a stereo recording (2, T) within +-1; None where it is too long."""
    if samples.shape[1] > MAX_RECORDING_S * sample_rate_hz:
        return None
    ends = np.minimum(np.arange(loop_samples), np.arange(loop_samples)[::-1])
    seam = np.minimum(ends / (_SEAM_S * sample_rate_hz), 1.0)
    loop = np.clip(samples[:, :loop_samples], -1, 1) * seam
    return Recording(np.ascontiguousarray(np.round(loop.T * FULL_SCALE), np.int16), mid)


@dataclass(frozen=True, kw_only=True)
class DeckData(Sequence):
    """A loop of music as latents, with its name, recording and beats, as far as known."""

    name: str
    recording: Recording | None = None
    reference: NDArray[np.float16] | None = None
    """The decoder's own log magnitudes (L,F) of this deck, untouched: what detail is added to."""
    mean_spectrum: Floats | None = None
    """Mean log magnitude (F,) of the recording's louder spectra, smoothed over a few mel bands."""
    source: str = ""
    """The name that loads it again: a library deck or a file; empty where there is none."""
    captured: Captured | None = None
    """The live input that it was encoded from, if it was captured."""
    beats: Beats | None = None
    is_encoded: bool = True
    """False while only its recording is there, and its latents are still to come."""

    @property
    def has_detail(self) -> bool:
        """True if its recording can sound with what the decoder says."""
        is_described = self.reference is not None or not self.is_encoded
        return self.recording is not None and is_described

    @property
    def bypass_unavailable_reason(self) -> str | None:
        """Why its original recording is missing, in one line; None if it is there."""
        if self.recording is not None:
            return None
        if self.seconds > MAX_RECORDING_S:
            minutes = MAX_RECORDING_S / 60
            return f"the original of {self.name} is not kept: it is longer than {minutes:g} minutes"
        return f"{self.name} is a library deck, which comes without its original recording"

    @cached_property
    def structure_mean(self) -> Floats:
        """Mean of structure over the loop (S,)."""
        mean: Floats = self.structure.mean(axis=1, dtype=np.float32)
        return mean

    @property
    def ticks(self) -> int:
        """K: the loop's length in ticks."""
        return int(self.structure.shape[1])

    def style_at(self, positions: TimePositions) -> Floats:
        """Style (D,N) of its track at N places, linear between the windows' centres."""
        reading = positions.on(self.ticks, self.beats)
        now = self._style_columns(reading.ticks)
        if reading.previous is None or reading.weight is None:
            return now
        previous = self._style_columns(reading.previous)
        return previous * (1 - reading.weight) + now * reading.weight

    def _style_columns(self, ticks: NDArray[np.float64]) -> Floats:
        """Style (D,N) at fractional ticks (N,); the first window follows the last."""
        centres, windows = self.style_ticks.astype(np.float64), len(self.style_ticks)
        inside = ticks % self.ticks
        right = np.searchsorted(centres, inside, side="right") % windows
        left = right - 1
        gaps = (centres[right] - centres[left]) % self.ticks
        share = (inside - centres[left]) % self.ticks / np.where(gaps > 0, gaps, self.ticks)
        weight = np.minimum(share, 1.0).astype(np.float32)[:, None]
        columns: Floats = self.style_track[left] * (1 - weight) + self.style_track[right] * weight
        return columns.T


def library_deck(stored: BundleDeck) -> DeckData:
    """Make a deck of one of the bundle's library decks."""
    return DeckData(
        name=stored.slug,
        style_mean=stored.style_mean,
        style_track=stored.style_track,
        style_ticks=stored.style_ticks,
        structure=np.asarray(stored.structure, np.float32),
        gain_db=stored.gain_db,
        seconds=stored.seconds,
        source=stored.slug,
        beats=stored.beats,
    )
