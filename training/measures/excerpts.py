"""Excerpts of held-out music to measure on, the same for the same seed.

An excerpt is decoded from a second before its start, so that the decoder has a past as it has in a
performance, and a little past its end, because the sound lags by the latency::

    samples  |context/2| lead |------ measured ------| tail |context/2|
    frames             |------------- stretch --------------|
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, cycle, islice, zip_longest

import numpy as np
from numpy.typing import NDArray

from export.audio.model_input import cut_window, repeat_to
from training.measures.model_grid import ModelGrid
from training.store.index import StoredRecording, StoreError
from training.store.store import Store, to_float

LEAD_S = 1.0
QUIET_RMS = 10 ** (-50 / 20)
DRAWS = 8
"""An excerpt quieter than -50 dBFS is drawn again, at most this often: silence measures nothing."""

KINDS = ("real", "rendered")


@dataclass(frozen=True)
class ExcerptLayout:
    """Numbers of frames that are decoded before, in and after the measured part."""

    lead_frames: int
    frames: int
    tail_frames: int

    @property
    def stretch_frames(self) -> int:
        """All decoded frames: whole ticks, and at least one encoder clip."""
        return self.lead_frames + self.frames + self.tail_frames


@dataclass(frozen=True)
class Excerpt:
    """``samples`` (context + stretch,) and ``truth`` (T,), their measured part."""

    recording: str
    kind: str
    start_s: float
    samples: NDArray[np.float32]
    truth: NDArray[np.float32]


def layout(grid: ModelGrid, seconds: float) -> ExcerptLayout:
    """The layout of excerpts of ``seconds``, rounded to whole ticks."""
    tick = grid.frames_per_tick
    frames = grid.frames_of(seconds)
    tail = _whole(grid.latency_samples / grid.hop_samples + 1, tick)
    lead = max(_whole(LEAD_S * grid.frames_per_second, tick), grid.clip_frames - frames - tail)
    return ExcerptLayout(lead, frames, tail)


def draw_excerpts(
    store: Store, grid: ModelGrid, split: str, clips: int, seconds: float, seed: int
) -> list[Excerpt]:
    """Draw excerpts of a split, real and rendered in turn; a recording repeats after all others.

    Raises:
        StoreError: the split is empty.
    """
    recordings = store.split(split)
    if not recordings:
        raise StoreError(
            f"{store.path} holds no recordings of split '{split}'; hold some out with "
            "training.prepare, or give another --split"
        )
    random = np.random.default_rng(seed)
    chosen = islice(cycle(_in_turn(recordings, random)), clips)
    return [cut_excerpt(store, one, grid, layout(grid, seconds), random) for one in chosen]


def kind_of(recording: StoredRecording) -> str:
    """One of ``KINDS``: only a rendering has a piece (``score``)."""
    return KINDS[recording.score is not None]


def _in_turn(
    recordings: Sequence[StoredRecording], random: np.random.Generator
) -> list[StoredRecording]:
    shuffled = [recordings[index] for index in random.permutation(len(recordings))]
    by_kind = ([one for one in shuffled if kind_of(one) == kind] for kind in KINDS)
    return [one for one in chain.from_iterable(zip_longest(*by_kind)) if one is not None]


def cut_excerpt(
    store: Store,
    recording: StoredRecording,
    grid: ModelGrid,
    frames: ExcerptLayout,
    random: np.random.Generator,
) -> Excerpt:
    """Draw a stretch of a recording that is not silent, if there is one."""
    whole = _whole_recording(store, recording, grid, frames)
    for _ in range(DRAWS):
        start = int(random.integers(whole.size - frames.stretch_frames * grid.hop_samples + 1))
        excerpt = _at(recording, whole, start, grid, frames)
        if np.sqrt(np.square(excerpt.truth).mean()) > QUIET_RMS:
            break
    return excerpt


def excerpt_at(
    store: Store, recording: StoredRecording, start_s: float, grid: ModelGrid, frames: ExcerptLayout
) -> Excerpt:
    """The stretch whose measured part begins at ``start_s``, or as near as the recording allows."""
    whole = _whole_recording(store, recording, grid, frames)
    last = whole.size - frames.stretch_frames * grid.hop_samples
    start = round(start_s * grid.sample_rate_hz) - frames.lead_frames * grid.hop_samples
    return _at(recording, whole, min(max(start, 0), last), grid, frames)


def excerpt_of_sound(
    name: str, samples: NDArray[np.float32], grid: ModelGrid, frames: ExcerptLayout
) -> Excerpt:
    """A synthetic sound (T,) as an excerpt, repeated to the length of a stretch."""
    recording = StoredRecording(name, 0, samples.size, 0.0, "heldout")
    whole = repeat_to(samples, frames.stretch_frames * grid.hop_samples)
    return _at(recording, whole, 0, grid, frames)


def _whole_recording(
    store: Store, recording: StoredRecording, grid: ModelGrid, frames: ExcerptLayout
) -> NDArray[np.float32]:
    """The samples, repeated if they are shorter than a stretch."""
    length = frames.stretch_frames * grid.hop_samples
    return repeat_to(to_float(store.audio(recording)), length)


def _at(
    recording: StoredRecording,
    whole: NDArray[np.float32],
    start: int,
    grid: ModelGrid,
    frames: ExcerptLayout,
) -> Excerpt:
    hop, context = grid.hop_samples, grid.context_samples
    samples = cut_window(whole, start, frames.stretch_frames * hop, context)
    first = context // 2 + frames.lead_frames * hop
    truth = samples[first : first + frames.frames * hop]
    start_s = (start + frames.lead_frames * hop) / grid.sample_rate_hz
    return Excerpt(recording.name, kind_of(recording), start_s, samples, truth)


def _whole(frames: float, tick: int) -> int:
    return int(np.ceil(frames / tick)) * tick
