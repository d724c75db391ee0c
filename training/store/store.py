"""The training store: many recordings as one memory-mapped file of mono 16-bit audio.

A store is a folder of two files::

    audio.i16    the samples of all recordings in a row, little-endian int16
    index.json   version, sample_rate_hz, loudness_lufs, and a StoredRecording for each recording

Samples are appended first, then the index is replaced in one step. A store is therefore intact
whenever its writer is killed: at worst ``audio.i16`` is longer than the index says, and the next
writer (``training.store.writer``) cuts it back. Recordings with the same ``score`` are one piece
rendered with different instruments, aligned in time. Recordings of one ``group`` are by one artist,
of one recording, or of one work: ``training.prepare`` always gives them the same ``split``.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.store.index import (
    AUDIO_FILE,
    SPLITS,
    StoredRecording,
    StoreError,
    StoreIndex,
    read_index,
    require_whole,
)

FULL_SCALE = 32767
"""The int16 for 1.0; symmetric, so that a peak of -1 needs no clipping."""


def to_int16(samples: NDArray[np.float32]) -> NDArray[np.int16]:
    """Convert samples within -1..1 to 16 bits, rounded."""
    return np.rint(samples * FULL_SCALE).astype(np.int16)


def to_float(samples: NDArray[np.int16]) -> NDArray[np.float32]:
    """Inverse of ``to_int16`` up to rounding."""
    return samples.astype(np.float32) / np.float32(FULL_SCALE)


class Store:
    """Read access to a training store; the audio stays on disk until it is used."""

    def __init__(self, path: Path, index: StoreIndex, samples: NDArray[np.int16]) -> None:
        self.path = path
        self.sample_rate_hz = index.sample_rate_hz
        self.loudness_lufs = index.loudness_lufs
        self.recordings = index.recordings
        self._samples = samples

    @classmethod
    def open(cls, path: str | Path) -> Store:
        """Open the store at ``path``.

        Raises:
            StoreError: no store there, damaged, of another version, or empty.
        """
        folder = Path(path)
        index = read_index(folder)
        if not index.recordings:
            raise StoreError(f"{folder}: the store is empty; add music with training.prepare")
        return cls(folder, index, _map_audio(folder, index))

    @classmethod
    def open_for(cls, path: str | Path, preset: str, sample_rate_hz: int) -> Store:
        """Open the store at ``path``, which must have the sample rate of a model's preset.

        Raises:
            StoreError: as ``open``, or another sample rate.
        """
        store = cls.open(path)
        if store.sample_rate_hz != sample_rate_hz:
            raise StoreError(
                f"{path} is at {store.sample_rate_hz} Hz, preset '{preset}' needs "
                f"{sample_rate_hz} Hz; prepare it with --preset {preset}"
            )
        return store

    def __reduce__(self) -> tuple[Any, tuple[Path]]:
        # A worker process maps the file itself: pickling a memory map would copy it whole.
        return Store.open, (self.path,)

    def audio(self, recording: StoredRecording) -> NDArray[np.int16]:
        """The recording's samples (T,) as a read-only view; ``to_float`` converts them to -1..1."""
        return self._samples[recording.offset : recording.offset + recording.length]

    def split(self, name: str) -> tuple[StoredRecording, ...]:
        """The recordings of "train" or "heldout".

        Raises:
            StoreError: another name.
        """
        if name not in SPLITS:
            raise StoreError(f"no split '{name}'; choose one of {', '.join(SPLITS)}")
        return tuple(recording for recording in self.recordings if recording.split == name)

    def seconds(self, recordings: Iterable[StoredRecording]) -> float:
        """Total duration of the recordings."""
        return sum(recording.length for recording in recordings) / self.sample_rate_hz


def _map_audio(folder: Path, index: StoreIndex) -> NDArray[np.int16]:
    require_whole(folder, index)
    return np.memmap(folder / AUDIO_FILE, dtype="<i2", mode="r")
