"""What a training store holds: its index, read strictly and replaced in one step."""

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
"""Between the values of a label that has several, such as the instruments of a band."""


class StoreError(ValueError):
    """A folder that is no store, or a damaged one, of another rate, or on a full disk."""


@dataclass(frozen=True)
class StoredRecording:
    """Where one recording lies in the store and what is known about it.

    ``offset`` and ``length`` are samples, ``gain_db`` is what loudness normalisation applied,
    ``split`` is "train" or "heldout", ``source_bytes`` the size of the file it came from and
    ``source_digest`` what tells its contents (empty in stores of before it was kept).
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
    source_digest: str = ""

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


def write_index(folder: Path, index: StoreIndex) -> None:
    """Replace ``index.json`` in one step.

    Raises:
        OSError: it cannot be written; it is named and as it was.
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
        raise ValueError(f"split '{recording.split}' of {recording.name}")
    if recording.offset < 0 or recording.length <= 0:
        raise ValueError(f"offset or length of {recording.name}")
    labels = recording.labels
    if not isinstance(labels, dict) or not all(isinstance(v, str) for v in labels.values()):
        raise ValueError(f"labels of {recording.name}")
    return recording


def audio_bytes(index: StoreIndex) -> int:
    """How long the audio file has to be."""
    ends = (recording.offset + recording.length for recording in index.recordings)
    return 2 * max(ends, default=0)


def require_whole(folder: Path, index: StoreIndex) -> None:
    """Refuse audio that is shorter than the index says.

    Raises:
        StoreError: it is, or is not there.
    """
    path = folder / AUDIO_FILE
    size, needed = (path.stat().st_size if path.exists() else 0), audio_bytes(index)
    if size < needed:
        raise StoreError(
            f"{path}: {size} bytes, the index speaks of {needed}; delete it and prepare again"
        )
