"""Appending to a training store, which stays intact at every moment."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import FileIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.store.index import (
    AUDIO_FILE,
    INDEX_FILE,
    StoredRecording,
    StoreError,
    StoreIndex,
    audio_bytes,
    read_index,
    require_whole,
    write_index,
)

_INDEX_SHARE = 0.05  # most of the time spent on rewriting the index, which grows with the store


class StoreWriter:
    """Appends to a store, new or existing; one writer at a time. A context manager.

    On a full disk, every complete recording is kept, if there is room left for the index.

    Raises:
        StoreError: the folder holds a store of another rate or version, or another process is
            writing to it.
    """

    def __init__(self, path: str | Path, sample_rate_hz: int, loudness_lufs: float) -> None:
        self.path = Path(path)
        self.path.mkdir(parents=True, exist_ok=True)
        wanted = StoreIndex(sample_rate_hz, loudness_lufs)
        self._audio = _open_locked(self.path / AUDIO_FILE)
        try:
            index = read_index(self.path) if (self.path / INDEX_FILE).exists() else wanted
            _require_same(self.path, index, wanted)
            self._cut_back(index)
        except BaseException:
            self._audio.close()
            raise
        self._wanted = wanted
        self._recordings = {recording.name: recording for recording in index.recordings}
        self._next_save_s = 0.0

    def __enter__(self) -> StoreWriter:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.save()
        finally:
            self._audio.close()

    @property
    def recordings(self) -> tuple[StoredRecording, ...]:
        """The recordings in the store so far."""
        return tuple(self._recordings.values())

    def find(self, name: str) -> StoredRecording | None:
        """The recording called ``name``, None if the store lacks it."""
        return self._recordings.get(name)

    def append(self, recording: StoredRecording, samples: NDArray[np.int16]) -> None:
        """Add ``samples`` (T,); the recording's offset and length are filled in here.

        Raises:
            StoreError: they cannot be written; earlier recordings are kept.
        """
        begin = self._audio.tell()
        with self._store_errors():
            try:
                _write_all(self._audio, samples.astype("<i2", copy=False).tobytes())
            except OSError:
                self._cut_to(begin)  # leaves room for the index, which is written next
                raise
        self._recordings[recording.name] = replace(
            recording, offset=begin // samples.itemsize, length=int(samples.size)
        )
        if time.monotonic() >= self._next_save_s:
            self.save()

    def update(self, recording: StoredRecording) -> None:
        """Replace the metadata of a recording that is in the store."""
        self._recordings[recording.name] = recording

    def save(self) -> None:
        """Make everything appended so far permanent.

        Raises:
            StoreError: the disk is full; the index is unchanged.
        """
        begin_s = time.monotonic()
        with self._store_errors():
            os.fsync(self._audio.fileno())
            write_index(self.path, replace(self._wanted, recordings=self.recordings))
        end_s = time.monotonic()
        self._next_save_s = end_s + (end_s - begin_s) * (1.0 / _INDEX_SHARE - 1.0)

    def _cut_back(self, index: StoreIndex) -> None:
        """Drop samples of a recording that was incomplete when the last writer was killed."""
        require_whole(self.path, index)
        self._cut_to(audio_bytes(index))

    def _cut_to(self, size: int) -> None:
        self._audio.truncate(size)
        self._audio.seek(size)

    @contextmanager
    def _store_errors(self) -> Iterator[None]:
        """Turn an OSError into a StoreError that names the store."""
        try:
            yield
        except OSError as error:
            raise StoreError(
                f"{self.path}: the store cannot be written ({error.strerror}); what was saved is "
                "kept: free space and run the same command again"
            ) from error


def _write_all(file: FileIO, content: bytes) -> None:
    """Write all of ``content``; a nearly full disk first takes a part of it, without an error."""
    rest = memoryview(content)
    while rest:
        rest = rest[file.write(rest) :]


def _require_same(folder: Path, found: StoreIndex, wanted: StoreIndex) -> None:
    for name, unit in (("sample_rate_hz", "Hz"), ("loudness_lufs", "LUFS")):
        has, asked = getattr(found, name), getattr(wanted, name)
        if has != asked:
            raise StoreError(
                f"{folder}: the store is at {has} {unit}, not {asked} {unit}; give another folder"
            )


def _open_locked(path: Path) -> FileIO:
    """Open the audio file for appending; refuse while another process appends to it.

    Unbuffered: on a full disk, the rest of a buffer would fail again at every later call.
    """
    file = path.open("r+b" if path.exists() else "w+b", buffering=0)
    try:
        import fcntl
    except ImportError:  # Windows has no advisory locks; the user must keep to one writer
        return file
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise StoreError(f"{path.parent}: another process is writing to this store") from error
    return file
