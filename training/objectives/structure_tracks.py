"""Structure tracks: recordings of the store, encoded as a deck is, to train the prior with.

Encoding takes minutes and the result is small (160 kB a minute with the preset ``small``), so it
is kept in the run folder::

    RUN/structure_tracks.safetensors   {split}/{name}/style (D,), {split}/{name}/structure (S, K)

with digests of the encoder and of the store's list of recordings; if either has changed, the store
is encoded again.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor
from torch.utils.data import Dataset
from tqdm import tqdm

from export.audio import model_input as audio
from export.audio.arrays import Floats
from export.audio.sequence import Encoded, crossfade_windows
from model.config import ModelConfig
from model.instrument import Instrument
from model.modes import evaluating
from model.prior import encoder_digest
from model.tensor_file import read_tensors
from training.store.index import StoredRecording, StoreError
from training.store.store import Store, to_float
from training.support.processes import part_of
from training.support.whole_file import write_whole

logger = logging.getLogger(__name__)

MOST_MINUTES = {"train": 120.0, "heldout": 10.0}
"""Music that is encoded at most: more takes longer to encode than it is worth in training."""

FILE = "structure_tracks.safetensors"
_WINDOWS_AT_ONCE = 16


@dataclass(frozen=True)
class StructureTrack:
    """One recording: style (D,), the mean over its windows, and structure (S, K)."""

    style: Tensor
    structure: Tensor


class TrackBatch(NamedTuple):
    """Excerpts of recordings: ``structure`` (B, S, K) and the recordings' ``style`` (B, D)."""

    structure: Tensor
    style: Tensor


class TrackStretches(Dataset[TrackBatch]):
    """Training batches by number; number n is the same in every run with the same seed.

    Excerpts are ``ticks`` long, or as long as the longest recording if none is that long; a shorter
    recording is repeated end to end. Each of several processes cuts its own part of a batch.

    Raises:
        StoreError: there are no tracks.
    """

    def __init__(
        self,
        tracks: list[StructureTrack],
        ticks: int,
        batch: int,
        steps: int,
        seed: int,
        process_index: int = 0,
        process_count: int = 1,
    ) -> None:
        if not tracks:
            raise StoreError("the store holds no recording to train with; prepare some")
        self.tracks = tracks
        lengths = np.array([track.structure.shape[1] for track in tracks])
        self.weights = lengths / lengths.sum()
        self.ticks = min(ticks, int(lengths.max()))
        self.batch = batch
        self.steps = steps
        self.seed = seed
        self.own_items = part_of(batch, process_index, process_count)

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, step: int) -> TrackBatch:
        random = np.random.default_rng((self.seed, step))
        chosen = random.choice(len(self.tracks), size=self.batch, p=self.weights)
        tracks = [self.tracks[index] for index in chosen]
        spare = [max(track.structure.shape[1] - self.ticks, 0) for track in tracks]
        starts = [int(random.integers(0, ticks + 1)) for ticks in spare]
        own = list(zip(tracks, starts, strict=True))[self.own_items]
        cuts = [self._cut(track.structure, start) for track, start in own]
        return TrackBatch(torch.stack(cuts), torch.stack([track.style for track, _ in own]))

    def _cut(self, structure: Tensor, start: int) -> Tensor:
        """Cut an excerpt (S, K) from ``start`` on, repeating a shorter structure."""
        indices = torch.arange(start, start + self.ticks) % structure.shape[1]
        return structure[:, indices].float()


def structure_tracks(
    run: Path, store: Store, model: Instrument, split: str
) -> list[StructureTrack]:
    """The tracks of split "train" or "heldout", from the run folder or encoded now and saved there.

    Raises:
        OSError: they cannot be saved; the file is named.
    """
    path = run / FILE
    stamp = _stamp(store, model)
    kept = _read(path, stamp)
    if kept is None:
        kept = _encode_all(store, model)
        _write(path, kept, stamp)
    names = [name.removesuffix("/style") for name in kept if name.endswith("/style")]
    return [
        StructureTrack(kept[f"{name}/style"], kept[f"{name}/structure"])
        for name in names
        if name.startswith(f"{split}/")
    ]


def _encode_all(store: Store, model: Instrument) -> dict[str, Tensor]:
    chosen = [one for split in MOST_MINUTES for one in _chosen(store, split)]
    tensors: dict[str, Tensor] = {}
    for recording in tqdm(chosen, desc="structure of the store", unit="recording", disable=None):
        track = _encode(to_float(store.audio(recording)), model)
        name = f"{recording.split}/{recording.name}"
        # Half precision loses nothing audible; bundles store decks the same way.
        tensors |= {f"{name}/style": track.style, f"{name}/structure": track.structure.half()}
    return tensors


def _chosen(store: Store, split: str) -> list[StoredRecording]:
    """Choose real recordings first, then rendered MIDI files in random order, up to the limit."""
    chosen: list[StoredRecording] = []
    minutes, recordings = 0.0, store.split(split)
    for one in sorted(recordings, key=lambda one: (one.score is not None, _digest(one.name))):
        if minutes >= MOST_MINUTES[split]:
            all_minutes = store.seconds(recordings) / 60
            logger.info("the prior uses %.1f of %.1f minutes (%s)", minutes, all_minutes, split)
            break
        minutes += one.length / store.sample_rate_hz / 60
        chosen.append(one)
    return chosen


@torch.no_grad()
def _encode(samples: Floats, model: Instrument) -> StructureTrack:
    """Encode one recording (T,) in overlapping windows, joined as in ``export.audio.sequence``."""
    config, device = model.config, next(model.parameters()).device
    windows, encoded = _windows(samples, config), []
    listener = model.audio_encoder().to(device)
    with evaluating(listener):
        while chunk := list(islice(windows, _WINDOWS_AT_ONCE)):
            batch = torch.from_numpy(np.stack([window.samples for window in chunk])).to(device)
            styles, structures = (latent.float().cpu().numpy() for latent in listener(batch))
            ticks = [window.start_samples // _tick_samples(config) for window in chunk]
            encoded += [Encoded(*one) for one in zip(ticks, styles, structures, strict=True)]
    style = np.mean([window.style for window in encoded], axis=0)
    structure = crossfade_windows(encoded, encoded[-1].start_tick + config.clip_ticks)
    return StructureTrack(torch.from_numpy(style), torch.from_numpy(structure))


def _windows(samples: Floats, config: ModelConfig) -> Iterator[audio.Window]:
    context_samples = config.features.context_samples
    return audio.windows(samples, config.clip_samples, context_samples, _tick_samples(config))


def _tick_samples(config: ModelConfig) -> int:
    return config.encoder.frames_per_tick * config.features.hop_samples


def _stamp(store: Store, model: Instrument) -> dict[str, str]:
    """Identify the encoder and recordings that tracks are made from."""
    lengths = json.dumps([(one.name, one.split, one.length) for one in store.recordings])
    encoder = bytes(encoder_digest(model.encoder).tolist()).hex()
    return {"encoder": encoder, "recordings": _digest(lengths)}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _read(path: Path, stamp: dict[str, str]) -> dict[str, Tensor] | None:
    """The tensors saved at ``path``; None if there are none, or they have another stamp."""
    try:
        tensors, metadata = read_tensors(path)
    except (OSError, SafetensorError):
        return None
    return tensors if metadata == stamp else None


def _write(path: Path, tensors: dict[str, Tensor], stamp: dict[str, str]) -> None:
    # Several processes may have encoded at once; each writes its own temporary file.
    temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
    write_whole(path, safetensors.torch.save(tensors, stamp), temporary)
