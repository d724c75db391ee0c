"""A loaded deck: one sequence of music as latents, ready to be read at any frame."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from export.audio.arrays import Floats
from export.audio.model_input import Captured
from export.audio.sequence import Sequence
from export.audio.stereo import FULL_SCALE, Mid
from export.bundle.beats import Beats
from export.bundle.format import BundleDeck, Manifest
from server.engine.playhead import TimePositions

_SEAM_S = 0.005
"""The recording fades out this long before its end and in at its start, because it loops."""


@dataclass(frozen=True, eq=False)
class Recording:
    """The sound that a deck was encoded from: one loop of it, stereo, in 16 bits (T, 2).

    ``mid`` are the shares of left and right in the mono sound that the encoder heard.
    """

    pcm: NDArray[np.int16]
    mid: Mid = (0.5, 0.5)

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


def recording_of(
    pcm: NDArray[np.int16], sample_rate_hz: int, loop_samples: int, mid: Mid = (0.5, 0.5)
) -> Recording:
    """Return the first ``loop_samples`` of stereo sound (T, 2), whose ends it fades in place."""
    loop = pcm[:loop_samples]
    fade_in(loop, sample_rate_hz)
    fade_in(loop[::-1], sample_rate_hz)
    return Recording(loop, mid)


def fade_in(pcm: NDArray[np.int16], sample_rate_hz: int) -> None:
    """Fade the first samples of (T, 2) in, in place, as a loop begins."""
    seam = min(round(_SEAM_S * sample_rate_hz), len(pcm) // 2)
    pcm[:seam] = np.round(pcm[:seam] * (np.arange(seam) / max(seam, 1))[:, None])


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
    """False while only its recording is known: latents are zero, and the recording plays."""

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


def heard_before(deck: DeckData, gain_db: float, manifest: Manifest) -> DeckData | None:
    """Return what played, with this gain, before ``deck`` was encoded; None without recording."""
    recording = deck.recording
    if recording is None:
        return None
    if round(gain_db, 4) != round(deck.gain_db, 4):
        factor = 10 ** ((gain_db - deck.gain_db) / 20)
        louder = np.clip(recording.pcm * np.float32(factor), -FULL_SCALE, FULL_SCALE)
        recording = replace(recording, pcm=np.round(louder).astype(np.int16))
    unencoded = unencoded_deck(deck.name, recording, manifest)
    return replace(unencoded, gain_db=gain_db, source=deck.source, captured=deck.captured)


def silent_deck(manifest: Manifest) -> DeckData:
    """Make a deck that is silent, in place of a recording that turned out to be unusable."""
    silence = np.zeros((manifest.tick_samples, 2), np.int16)
    return unencoded_deck("silence", Recording(silence), manifest)


def unencoded_deck(name: str, recording: Recording, manifest: Manifest) -> DeckData:
    """Make a deck of a recording alone, which plays while it is being encoded."""
    ticks = max(recording.samples // manifest.tick_samples, 1)
    return DeckData(
        name=name,
        style_mean=np.zeros(manifest.style_dims, np.float32),
        style_track=np.zeros((1, manifest.style_dims), np.float32),
        style_ticks=np.zeros(1, np.float32),
        structure=np.zeros((manifest.structure_dims, ticks), np.float32),
        gain_db=0.0,
        seconds=recording.samples / manifest.sample_rate_hz,
        recording=recording,
        is_encoded=False,
    )
