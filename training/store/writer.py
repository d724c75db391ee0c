"""Appending to a training store, such that it is whole at every moment."""

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

_INDEX_SHARE = 0.05  # of the time may go into rewriting the index, which grows with the store


class StoreWriter:
    """Appends to a store, new or existing; one writer at a time. A context manager.

    A full disk ends it with every recording that was whole, if the index still finds room.

    Raises:
        StoreError: the folder holds a store of another rate or version, or a writer is at work.
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
        """What is in the store so far."""
        return tuple(self._recordings.values())

    def find(self, name: str) -> StoredRecording | None:
        """The recording called ``name`` if it is there already."""
        return self._recordings.get(name)

    def append(self, recording: StoredRecording, samples: NDArray[np.int16]) -> None:
        """Add ``samples`` (T,); the recording's offset and length are filled in here.

        Raises:
            StoreError: they cannot be written; what was there before is kept.
        """
        begin = self._audio.tell()
        with self._told_where():
            try:
                _write_all(self._audio, samples.astype("<i2", copy=False).tobytes())
            except OSError:
                self._cut_to(begin)  # the index, written next, needs room as well
                raise
        self._recordings[recording.name] = replace(
            recording, offset=begin // samples.itemsize, length=int(samples.size)
        )
        if time.monotonic() >= self._next_save_s:
            self.save()

    def update(self, recording: StoredRecording) -> None:
        """Replace what is known about a recording that is in the store."""
        self._recordings[recording.name] = recording

    def save(self) -> None:
        """Make everything appended so far permanent.

        Raises:
            StoreError: it cannot be; the index is as it was.
        """
        begin_s = time.monotonic()
        with self._told_where():
            os.fsync(self._audio.fileno())
            write_index(self.path, replace(self._wanted, recordings=self.recordings))
        end_s = time.monotonic()
        self._next_save_s = end_s + (end_s - begin_s) * (1.0 / _INDEX_SHARE - 1.0)

    def _cut_back(self, index: StoreIndex) -> None:
        """Drop samples of a recording that was under way when the last writer was killed."""
        require_whole(self.path, index)
        self._cut_to(audio_bytes(index))

    def _cut_to(self, size: int) -> None:
        self._audio.truncate(size)
        self._audio.seek(size)

    @contextmanager
    def _told_where(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreError(
                f"{self.path}: the store cannot be written on ({error.strerror}); what was "
                "saved is kept: free space and run the same command again"
            ) from error


def _write_all(file: FileIO, content: bytes) -> None:
    """A disk that is nearly full takes a part, and says so only when asked for the rest."""
    rest = memoryview(content)
    while rest:
        rest = rest[file.write(rest) :]


def _require_same(folder: Path, found: StoreIndex, wanted: StoreIndex) -> None:
    for name, unit in (("sample_rate_hz", "Hz"), ("loudness_lufs", "LUFS")):
        has, asked = getattr(found, name), getattr(wanted, name)
        if has != asked:
            raise StoreError(
                f"{folder}: a store at {has} {unit}, {asked} {unit} was asked for; "
                "give another folder"
            )


def _open_locked(path: Path) -> FileIO:
    """The audio file for appending; refused while another process appends to it.

    Without a buffer: on a full disk its rest would fail again at every later call.
    """
    file = path.open("r+b" if path.exists() else "w+b", buffering=0)
    try:
        import fcntl
    except ImportError:  # Windows has no advisory locks; there the user keeps to one writer
        return file
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise StoreError(f"{path.parent}: another process is writing to this store") from error
    return file
