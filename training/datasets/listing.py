"""What a data set's loader says of its files: an ``ListedFile`` each, or why one was ``LeftOut``.

A loader is a function from a folder to such findings. It reads names and tables, never audio:
``training.prepare`` does that, and finds out which files are broken.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

OFFICIAL_SPLIT = "official_split"
"""Label that keeps the data set's own word for the part a recording belongs to."""

_STORE_SPLITS = {
    "train": "train",
    "training": "train",
    "valid": "heldout",
    "validation": "heldout",
    "test": "heldout",
}


class SourceError(ValueError):
    """A folder that no music can be taken from."""


@dataclass(frozen=True)
class ListedFile:
    """One recording of a data set, not yet read.

    ``name`` begins with the name of the data set's folder and is unique in a store. ``split`` is
    "train" or "heldout". Recordings of one ``group`` (artist, recording, work) always share their
    split; those of one ``score`` are the same notes played by several instruments.
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
    """A file or a table's row that is not used: a word to count it by, and why in a line."""

    name: str
    reason: str
    why: str


Finding: TypeAlias = ListedFile | LeftOut
Loader: TypeAlias = Callable[[Path], Iterator[Finding]]


def store_split(official: str | None) -> str | None:
    """The store's split for a data set's own word; None for a word that is none."""
    return _STORE_SPLITS.get((official or "").strip().lower())


def clean(labels: Mapping[str, object]) -> dict[str, str]:
    """Labels as composed Unicode text, those without a value left out."""
    texts = {name: unicodedata.normalize("NFC", str(v).strip()) for name, v in labels.items() if v}
    return {name: text for name, text in texts.items() if text}


def some_music(findings: Iterable[Finding], source: Path, looked_for: str) -> list[Finding]:
    """The findings, if anything at all was found.

    Raises:
        SourceError: nothing was.
    """
    found = list(findings)
    if not found:
        raise SourceError(f"{source}: no music of this data set here; looked for {looked_for}")
    return found
