"""Excerpts of held-out music for measuring, the same ones for the same seed.

An excerpt is decoded from a second before its start, so that the decoder plays from memory as it
does on stage, and a little past its end, as the sound lags by the latency::

    samples  |context/2| lead |------ measured ------| tail |context/2|
    frames             |------------- stretch --------------|
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, cycle, islice, zip_longest

import numpy as np
from numpy.typing import NDArray

from export.audio import cut_window, repeat_to
from model.config import ModelConfig
from training.store import Store, StoredRecording, StoreError, to_float

LEAD_S = 1.0
QUIET_RMS = 10 ** (-50 / 20)
DRAWS = 8
"""An excerpt quieter than -50 dBFS is drawn again, at most this often: rests say nothing."""

KINDS = ("real", "rendered")


@dataclass(frozen=True)
class Layout:
    """How many frames are decoded before, in and after what is measured."""

    lead_frames: int
    frames: int
    tail_frames: int

    @property
    def stretch_frames(self) -> int:
        """All that is decoded, whole ticks and at least one encoder clip."""
        return self.lead_frames + self.frames + self.tail_frames


@dataclass(frozen=True)
class Excerpt:
    """``samples`` (context + stretch,) and ``truth`` (T,), the part of them that is measured."""

    recording: str
    kind: str
    start_s: float
    samples: NDArray[np.float32]
    truth: NDArray[np.float32]


def layout(config: ModelConfig, seconds: float) -> Layout:
    """The frames of excerpts of so many seconds (rounded to whole ticks)."""
    features, tick = config.features, config.encoder.frames_per_tick
    frames_per_second = features.sample_rate_hz / features.hop_samples
    frames = max(round(seconds * frames_per_second / tick), 1) * tick
    tail = _whole(config.latency_samples / features.hop_samples + 1, tick)
    lead = max(_whole(LEAD_S * frames_per_second, tick), config.clip_frames - frames - tail)
    return Layout(lead, frames, tail)


def draw_excerpts(
    store: Store, config: ModelConfig, split: str, clips: int, seconds: float, seed: int
) -> list[Excerpt]:
    """Excerpts of the split's recordings, real and rendered in turn, all before one comes again.

    Raises:
        StoreError: the split is empty.
    """
    recordings = store.split(split)
    if not recordings:
        raise StoreError(
            f"{store.path} holds no recordings of split '{split}'; hold some back with "
            "training.prepare, or give another --split"
        )
    random = np.random.default_rng(seed)
    chosen = islice(cycle(_in_turn(recordings, random)), clips)
    return [_cut(store, one, config, layout(config, seconds), random) for one in chosen]


def kind_of(recording: StoredRecording) -> str:
    """One of ``KINDS``: a rendering knows its score."""
    return KINDS[recording.score is not None]


def _in_turn(
    recordings: Sequence[StoredRecording], random: np.random.Generator
) -> list[StoredRecording]:
    shuffled = [recordings[index] for index in random.permutation(len(recordings))]
    by_kind = ([one for one in shuffled if kind_of(one) == kind] for kind in KINDS)
    return [one for one in chain.from_iterable(zip_longest(*by_kind)) if one is not None]


def _cut(
    store: Store,
    recording: StoredRecording,
    config: ModelConfig,
    frames: Layout,
    random: np.random.Generator,
) -> Excerpt:
    hop, context = config.features.hop_samples, config.features.context_samples
    length = frames.stretch_frames * hop
    whole = repeat_to(to_float(store.audio(recording)), length)
    first = context // 2 + frames.lead_frames * hop
    measured = slice(first, first + frames.frames * hop)
    for _ in range(DRAWS):
        start = int(random.integers(whole.size - length + 1))
        samples = cut_window(whole, start, length, context)
        truth = samples[measured]
        if np.sqrt(np.square(truth).mean()) > QUIET_RMS:
            break
    start_s = (start + frames.lead_frames * hop) / store.sample_rate_hz
    return Excerpt(recording.name, kind_of(recording), start_s, samples, truth)


def _whole(frames: float, tick: int) -> int:
    return int(np.ceil(frames / tick)) * tick
