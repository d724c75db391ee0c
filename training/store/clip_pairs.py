"""Batches of clip pairs from a store, each reproducible from its number."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from export.audio.model_input import repeat_to
from training.store.index import StoredRecording, StoreError
from training.store.store import Store, to_float
from training.support.processes import part_of

REAL_WEIGHT = 4.0
"""Makes real recordings and renderings equally likely in clips that are not paired, with an hour of
recordings and five of renderings."""


class PairBatch(NamedTuple):
    """Pairs of clips: ``audio`` (B, 2, T), ``same_score`` (B,) bool, ``elsewhere`` (B, 2, T).

    Where ``same_score`` is true, the two clips are the same notes at the same time, rendered with
    two instruments; elsewhere they are two excerpts of one recording, which share their style.
    ``elsewhere`` is another excerpt of each clip's recording, as a deck's style comes from its
    whole file.
    """

    audio: Tensor
    same_score: Tensor
    elsewhere: Tensor


class Place(NamedTuple):
    """The start of a clip in a recording, of which the first ``length`` samples are used."""

    recording: StoredRecording
    start: int
    length: int


class ClipPairs(Dataset[PairBatch]):
    """Training batches by number; number n is the same in every run with the same seed.

    A recording shorter than a clip is repeated end to end, as on a deck. Each of several processes
    reads its own part of the batches.

    Raises:
        StoreError: the split holds no recording.
    """

    def __init__(
        self,
        store: Store,
        clip_samples: int,
        batch: int,
        steps: int,
        seed: int = 0,
        same_score_share: float = 0.55,
        split: str = "train",
        process_index: int = 0,
        process_count: int = 1,
    ) -> None:
        recordings = list(store.split(split))
        if not recordings:
            raise StoreError(
                f"{store.path}: no recordings of split '{split}'; add some with training.prepare"
            )
        self.own_pairs = part_of(batch, process_index, process_count)
        self.store = store
        self.clip_samples = clip_samples
        self.batch = batch
        self.steps = steps
        self.seed = seed
        self.recordings = recordings
        self.weights = _weights(recordings)
        self.pieces = _pieces_with_several_instruments(recordings)
        self.same_score_share = same_score_share if self.pieces else 0.0

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, step: int) -> PairBatch:
        random = np.random.default_rng((self.seed, step))
        same_score = random.random(self.batch) < self.same_score_share
        pairs = [
            self._two_instruments(random) if paired else self._two_excerpts(random)
            for paired in same_score
        ]
        own = [[self._clip(place) for place in pair] for pair in pairs[self.own_pairs]]
        clips = torch.from_numpy(to_float(np.stack([np.stack(pair) for pair in own])))
        return PairBatch(clips[:, :2], torch.from_numpy(same_score[self.own_pairs]), clips[:, 2:])

    def _two_excerpts(self, random: np.random.Generator) -> list[Place]:
        """Draw two excerpts of one recording; each is the other's ``elsewhere``."""
        recording = self.recordings[random.choice(len(self.recordings), p=self.weights)]
        starts = self._starts(random, recording.length)
        return [Place(recording, start, recording.length) for start in (*starts, *starts[::-1])]

    def _two_instruments(self, random: np.random.Generator) -> list[Place]:
        """Draw one place of a piece in two renderings, and another as ``elsewhere``."""
        renderings = self.pieces[random.integers(len(self.pieces))]
        chosen = [renderings[i] for i in random.permutation(len(renderings))[:2]]
        # Cut to one length, repeated renderings start over at the same moment.
        shortest = min(one.length for one in chosen)
        starts = self._starts(random, shortest)
        return [Place(one, start, shortest) for start in starts for one in chosen]

    def _starts(self, random: np.random.Generator, length: int) -> list[int]:
        """Draw the starts of two clips within ``length`` samples, or within one clip if longer."""
        last = max(length, self.clip_samples) - self.clip_samples
        return [int(start) for start in random.integers(0, last + 1, size=2)]

    def _clip(self, place: Place) -> NDArray[np.int16]:
        audio = repeat_to(self.store.audio(place.recording)[: place.length], self.clip_samples)
        return audio[place.start : place.start + self.clip_samples]


def _weights(recordings: list[StoredRecording]) -> NDArray[np.float64]:
    """Probability of drawing each recording: by length, with real ones ``REAL_WEIGHT`` times that.

    Renderings also come in pairs, and there are hours of them: drawn by length alone, one clip in
    ten would be of a real recording.
    """
    lengths = np.array(
        [one.length * (1.0 if one.score else REAL_WEIGHT) for one in recordings], dtype=np.float64
    )
    return lengths / lengths.sum()


def _pieces_with_several_instruments(
    recordings: list[StoredRecording],
) -> list[list[StoredRecording]]:
    by_piece: dict[str, list[StoredRecording]] = defaultdict(list)
    for one in recordings:
        if one.score is not None:
            by_piece[one.score].append(one)
    return [renderings for _, renderings in sorted(by_piece.items()) if len(renderings) > 1]
