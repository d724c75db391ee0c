"""The result of a data set's loader: each file as a ``ListedFile``, or ``LeftOut`` with a reason.

A loader is a function from a folder to such findings. It reads names and tables, never audio:
``training.prepare`` reads the audio, and detects broken files.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

OFFICIAL_SPLIT = "official_split"
"""Label with the data set's own name for the split of a recording."""

_STORE_SPLITS = {
    "train": "train",
    "training": "train",
    "valid": "heldout",
    "validation": "heldout",
    "test": "heldout",
}


class SourceError(ValueError):
    """A folder without usable music."""


@dataclass(frozen=True)
class ListedFile:
    """One recording of a data set, not yet read.

    ``name`` begins with the name of the data set's folder and is unique in a store. ``split`` is
    "train" or "heldout". Recordings of one ``group`` (artist, recording, work) always share their
    split; those with the same ``score`` are one piece, a MIDI file, rendered with several
    instruments.
    """

    path: Path
    name: str
    split: str = "train"
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    group: str | None = None
    midi: str | None = None
    score: str | None = None
    instrument: str | None = None


@dataclass(frozen=True)
class LeftOut:
    """An unused file or table row: ``reason`` to count it by, ``why`` to explain it."""

    name: str
    reason: str
    why: str


Finding: TypeAlias = ListedFile | LeftOut
Loader: TypeAlias = Callable[[Path], Iterator[Finding]]


def store_split(official: str | None) -> str | None:
    """The store's split for a data set's own name of it; None for an unknown name."""
    return _STORE_SPLITS.get((official or "").strip().lower())


def clean(labels: Mapping[str, object]) -> dict[str, str]:
    """Labels as composed Unicode text, without the empty ones."""
    texts = {name: unicodedata.normalize("NFC", str(v).strip()) for name, v in labels.items() if v}
    return {name: text for name, text in texts.items() if text}


def some_music(findings: Iterable[Finding], source: Path, looked_for: str) -> list[Finding]:
    """The findings as a list.

    Raises:
        SourceError: there are none.
    """
    found = list(findings)
    if not found:
        raise SourceError(
            f"{source}: no music of this data set; expected files such as {looked_for}"
        )
    return found
