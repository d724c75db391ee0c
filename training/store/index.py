"""The index of a training store: read strictly, replaced in one step."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from training.support.whole_file import write_whole

VERSION = 1
AUDIO_FILE = "audio.i16"
INDEX_FILE = "index.json"
SPLITS = ("train", "heldout")
LABEL_SEPARATOR = "|"
"""Separates the values of a label with several, such as the instruments of a band."""


class StoreError(ValueError):
    """A folder without a usable store: missing, damaged, of another sample rate, or unwritable."""


@dataclass(frozen=True)
class StoredRecording:
    """One recording: its place in the store and its metadata, as ``index.json`` holds them.

    ``offset`` and ``length`` are samples, ``gain_db`` is the gain of loudness normalisation,
    ``split`` is "train" or "heldout". ``score`` identifies the piece (a MIDI file) that was
    rendered, ``instrument`` the instrument it was rendered with. ``source_bytes`` and
    ``source_digest`` (empty in older stores) identify the file it came from. ``labels`` are the
    data set's own, such as {"genre": "jazz"}; ``midi`` is the MIDI file of the same performance,
    a path from the data set's folder like ``name``.
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
    source_digest: str = ""

    @property
    def kin(self) -> str | None:
        """The group, else the piece, whose recordings must all be in one split."""
        return self.group or self.score

    def label(self, name: str) -> tuple[str, ...]:
        """The values of a label; none without such a label."""
        return tuple(filter(None, self.labels.get(name, "").split(LABEL_SEPARATOR)))


@dataclass(frozen=True)
class StoreIndex:
    """Contents of ``index.json``."""

    sample_rate_hz: int
    loudness_lufs: float
    recordings: tuple[StoredRecording, ...] = ()


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
                f"{path}: version {version}, this program reads {VERSION}; prepare the store again"
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


def write_index(folder: Path, index: StoreIndex) -> None:
    """Replace ``index.json`` in one step.

    Raises:
        OSError: it cannot be written; the error names it, and it is unchanged.
    """
    entries = (json.dumps(asdict(recording)) for recording in index.recordings)
    text = (
        f'{{"version": {VERSION}, "sample_rate_hz": {index.sample_rate_hz}, '
        f'"loudness_lufs": {index.loudness_lufs}, "recordings": [\n'
        + ",\n".join(entries)
        + "\n]}\n"
    )
    write_whole(folder / INDEX_FILE, text.encode())


def _recording(entry: dict[str, Any]) -> StoredRecording:
    known = {each.name for each in fields(StoredRecording)}
    recording = StoredRecording(**{key: entry[key] for key in known & entry.keys()})
    if recording.split not in SPLITS:
        raise ValueError(f"unknown split '{recording.split}' of {recording.name}")
    if recording.offset < 0 or recording.length <= 0:
        raise ValueError(f"bad offset or length of {recording.name}")
    labels = recording.labels
    if not isinstance(labels, dict) or not all(isinstance(v, str) for v in labels.values()):
        raise ValueError(f"bad labels of {recording.name}")
    return recording


def audio_bytes(index: StoreIndex) -> int:
    """Size that the audio file must have at least."""
    ends = (recording.offset + recording.length for recording in index.recordings)
    return 2 * max(ends, default=0)


def require_whole(folder: Path, index: StoreIndex) -> None:
    """Require that the audio file is as long as the index says.

    Raises:
        StoreError: it is shorter, or missing.
    """
    path = folder / AUDIO_FILE
    size, needed = (path.stat().st_size if path.exists() else 0), audio_bytes(index)
    if size < needed:
        raise StoreError(
            f"{path}: {size} bytes, the index needs {needed}; delete the store and prepare it again"
        )
