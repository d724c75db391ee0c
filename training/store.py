"""The training store: many recordings as one memory-mapped file of mono 16-bit audio.

A store is a folder of two files::

    audio.i16    every recording's samples after one another, little-endian int16
    index.json   version, sample_rate_hz, loudness_lufs, and per recording where it lies

Samples are appended first and the index is replaced afterwards, in one step. Killed at any
moment, a store is therefore whole: at worst ``audio.i16`` is longer than the index says, and the
next ``StoreWriter`` cuts it back. Recordings with the same ``score`` are the same notes played by
different instruments, aligned in time. Recordings of one ``group`` are by one artist, of one
recording, or of one work: ``training.prepare`` never lets them differ in ``split``.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

VERSION = 1
AUDIO_FILE = "audio.i16"
INDEX_FILE = "index.json"
SPLITS = ("train", "heldout")
LABEL_SEPARATOR = "|"
"""Between the values of a label that has several, such as the instruments of a band."""

FULL_SCALE = 32767
"""The int16 that stands for 1.0; symmetric, so that a peak of -1 needs no clipping."""

_INDEX_SHARE = 0.05  # of the time may go into rewriting the index, which grows with the store


class StoreError(ValueError):
    """A folder that is no store, a damaged one, or one made for another sample rate."""


@dataclass(frozen=True)
class StoredRecording:
    """Where one recording lies in the store and what is known about it.

    ``offset`` and ``length`` are samples, ``gain_db`` is what loudness normalisation applied,
    ``split`` is "train" or "heldout", ``source_bytes`` the size of the file it came from.
    ``labels`` are the data set's own, such as {"genre": "jazz"}; ``midi`` names the MIDI file of
    the same performance as ``name`` names the audio: from the data set's folder on.
    """

    name: str
    offset: int
    length: int
    gain_db: float
    split: str
    score: str | None = None
    instrument: str | None = None
    source_bytes: int = 0
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    group: str | None = None
    midi: str | None = None

    @property
    def kin(self) -> str | None:
        """What it must share its split with: its group, else its score."""
        return self.group or self.score

    def label(self, name: str) -> tuple[str, ...]:
        """The values of one of its labels; none where it has no such label."""
        return tuple(filter(None, self.labels.get(name, "").split(LABEL_SEPARATOR)))


@dataclass(frozen=True)
class StoreIndex:
    """Contents of ``index.json``."""

    sample_rate_hz: int
    loudness_lufs: float
    recordings: tuple[StoredRecording, ...] = ()


def to_int16(samples: NDArray[np.float32]) -> NDArray[np.int16]:
    """Samples within -1..1 as 16-bit numbers, rounded."""
    return np.rint(samples * FULL_SCALE).astype(np.int16)


def to_float(samples: NDArray[np.int16]) -> NDArray[np.float32]:
    """Inverse of ``to_int16`` up to rounding."""
    return samples.astype(np.float32) / np.float32(FULL_SCALE)


class Store:
    """Read access to a training store; the audio stays on disk until it is looked at."""

    def __init__(self, path: Path, index: StoreIndex, samples: NDArray[np.int16]) -> None:
        self.path = path
        self.sample_rate_hz = index.sample_rate_hz
        self.loudness_lufs = index.loudness_lufs
        self.recordings = index.recordings
        self._samples = samples

    @classmethod
    def open(cls, path: str | Path) -> Store:
        """Map the store at ``path``.

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
        """Map the store at ``path``, which has to be at the sample rate of a model's preset.

        Raises:
            StoreError: as ``open``, or one at another rate.
        """
        store = cls.open(path)
        if store.sample_rate_hz != sample_rate_hz:
            raise StoreError(
                f"{path} is at {store.sample_rate_hz} Hz, preset '{preset}' needs "
                f"{sample_rate_hz} Hz; prepare it with --preset {preset}"
            )
        return store

    def __reduce__(self) -> tuple[Any, tuple[Path]]:
        # A worker process maps the file itself; pickling a memory map would copy all of it.
        return Store.open, (self.path,)

    def audio(self, recording: StoredRecording) -> NDArray[np.int16]:
        """The recording's samples (T,) as a read-only view; ``to_float`` makes them -1..1."""
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
        """How long the recordings last together."""
        return sum(recording.length for recording in recordings) / self.sample_rate_hz


class StoreWriter:
    """Appends to a store, new or existing; one writer at a time. A context manager.

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
        """Add ``samples`` (T,); the recording's offset and length are filled in here."""
        offset = self._audio.tell() // samples.itemsize
        self._audio.write(samples.astype("<i2", copy=False).tobytes())
        self._recordings[recording.name] = replace(
            recording, offset=offset, length=int(samples.size)
        )
        if time.monotonic() >= self._next_save_s:
            self.save()

    def update(self, recording: StoredRecording) -> None:
        """Replace what is known about a recording that is in the store."""
        self._recordings[recording.name] = recording

    def save(self) -> None:
        """Make everything appended so far permanent."""
        begin_s = time.monotonic()
        self._audio.flush()
        os.fsync(self._audio.fileno())
        _write_index(self.path, replace(self._wanted, recordings=self.recordings))
        end_s = time.monotonic()
        self._next_save_s = end_s + (end_s - begin_s) * (1.0 / _INDEX_SHARE - 1.0)

    def _cut_back(self, index: StoreIndex) -> None:
        """Drop samples of a recording that was under way when the last writer was killed."""
        _require_whole(self.path, index)
        self._audio.truncate(_audio_bytes(index))
        self._audio.seek(0, os.SEEK_END)


def read_index(folder: Path) -> StoreIndex:
    """Read and check ``index.json``.

    Raises:
        StoreError: missing, not readable, of another version, or contradicting itself.
    """
    path = folder / INDEX_FILE
    if not path.is_file():
        raise StoreError(f"{folder}: no training store here; make one with training.prepare")
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        version = stored["version"]
        if version != VERSION:
            raise StoreError(
                f"{path}: version {version}, this program reads {VERSION}; prepare it again"
            )
        index = StoreIndex(
            int(stored["sample_rate_hz"]),
            float(stored["loudness_lufs"]),
            tuple(_recording(entry) for entry in stored["recordings"]),
        )
    except (KeyError, TypeError, ValueError, OSError) as error:
        if isinstance(error, StoreError):
            raise
        raise StoreError(f"{path}: damaged ({error}); prepare the store again") from error
    return index


def _recording(entry: dict[str, Any]) -> StoredRecording:
    known = {each.name for each in fields(StoredRecording)}
    recording = StoredRecording(**{key: entry[key] for key in known & entry.keys()})
    if recording.split not in SPLITS:
        raise ValueError(f"split '{recording.split}' of {recording.name}")
    if recording.offset < 0 or recording.length <= 0:
        raise ValueError(f"offset or length of {recording.name}")
    labels = recording.labels
    if not isinstance(labels, dict) or not all(isinstance(v, str) for v in labels.values()):
        raise ValueError(f"labels of {recording.name}")
    return recording


def _write_index(folder: Path, index: StoreIndex) -> None:
    entries = (json.dumps(asdict(recording)) for recording in index.recordings)
    text = (
        f'{{"version": {VERSION}, "sample_rate_hz": {index.sample_rate_hz}, '
        f'"loudness_lufs": {index.loudness_lufs}, "recordings": [\n'
        + ",\n".join(entries)
        + "\n]}\n"
    )
    path = folder / INDEX_FILE
    draft = path.with_suffix(".json.new")
    with draft.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _audio_bytes(index: StoreIndex) -> int:
    ends = (recording.offset + recording.length for recording in index.recordings)
    return 2 * max(ends, default=0)


def _require_whole(folder: Path, index: StoreIndex) -> None:
    path = folder / AUDIO_FILE
    size, needed = (path.stat().st_size if path.exists() else 0), _audio_bytes(index)
    if size < needed:
        raise StoreError(
            f"{path}: {size} bytes, the index speaks of {needed}; delete it and prepare again"
        )


def _require_same(folder: Path, found: StoreIndex, wanted: StoreIndex) -> None:
    for name, unit in (("sample_rate_hz", "Hz"), ("loudness_lufs", "LUFS")):
        has, asked = getattr(found, name), getattr(wanted, name)
        if has != asked:
            raise StoreError(
                f"{folder}: a store at {has} {unit}, {asked} {unit} was asked for; "
                "give another folder"
            )


def _map_audio(folder: Path, index: StoreIndex) -> NDArray[np.int16]:
    _require_whole(folder, index)
    return np.memmap(folder / AUDIO_FILE, dtype="<i2", mode="r")


def _open_locked(path: Path) -> BinaryIO:
    """The audio file for appending; refused while another process appends to it."""
    file = path.open("r+b" if path.exists() else "w+b")
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
