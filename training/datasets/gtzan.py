"""GTZAN: 10 genres of 100 excerpts each, in its fault-filtered split.

Layouts: ``genres/<genre>/<genre>.000NN.au`` (original) or
``genres_original/<genre>/<genre>.000NN.wav`` (Kaggle). The data set has repeats, runs of one
artist and wrong labels (Sturm, arXiv 1306.1461); the filtered split leaves them out and keeps
artists apart. Its lists come from torchaudio, which took them from github.com/jongpillee/
music_dataset_split; ``--split-lists`` takes others. The rest of torchaudio's loader does not fit:
it needs torchcodec to read a file, does not read ``.au``, and stops at the corrupt file. mirdata's
needs pandas and four cloud storage libraries, and downloads its index.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from training.datasets.audio_files import audio_files, folder, name_in_store
from training.datasets.listing import (
    OFFICIAL_SPLIT,
    Finding,
    LeftOut,
    ListedFile,
    SourceError,
    some_music,
    store_split,
)

GENRES = frozenset(
    ("blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock")
)
LIST_NAMES = {
    "train": "train_filtered.txt",
    "valid": "valid_filtered.txt",
    "test": "test_filtered.txt",
}

_EXCERPT = re.compile(r"(?P<genre>[^.]+)\.\d{5}")
_CORRUPT = "jazz.00054.wav"
"""Corrupt in the common copy, though the training list names it. Skipped even where it is readable,
so that everyone trains on the same files; the original ``.au`` is intact."""


def find(source: Path, split_lists: Path | None = None) -> Iterator[Finding]:
    """Yield the excerpts below ``source`` with their genre.

    Raises:
        SourceError: no such folder, no GTZAN in it, or unreadable lists.
    """
    root = folder(source)
    splits = _read_lists(split_lists) if split_lists else _torchaudio_lists()
    files = audio_files(root)
    looked_for = "genres/blues/blues.00000.au or genres_original/blues/blues.00000.wav"
    yield from some_music(
        (*files.left_out, *_findings(files.paths, root, splits)), source, looked_for
    )


def _findings(paths: tuple[Path, ...], root: Path, splits: dict[str, str]) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for path in paths:
        name, excerpt = name_in_store(path, root), path.stem
        first = seen.setdefault(excerpt, name)
        problem = _problem(path, splits)
        if first != name:
            yield LeftOut(name, "repeat", f"the same excerpt as {first}")
        elif problem:
            yield LeftOut(name, *problem)
        else:
            official = splits[excerpt]
            labels = {"genre": excerpt.partition(".")[0], OFFICIAL_SPLIT: official}
            yield ListedFile(path, name, str(store_split(official)), labels)


def _problem(path: Path, splits: dict[str, str]) -> tuple[str, str] | None:
    match = _EXCERPT.fullmatch(path.stem)
    if not match:
        return "unknown name", "not named like blues.00000.au"
    if match["genre"] not in GENRES:
        return "unknown label", f"'{match['genre']}' is not a genre of GTZAN"
    if path.name == _CORRUPT:
        return "known fault", "corrupt in the common copy"
    if path.stem not in splits:
        return "filtered", "a repeat or fault: not in the fault-filtered split"
    return None


def _torchaudio_lists() -> dict[str, str]:
    from torchaudio.datasets import gtzan

    lists = {
        "train": gtzan.filtered_train,
        "valid": gtzan.filtered_valid,
        "test": gtzan.filtered_test,
    }
    return {excerpt: split for split, excerpts in lists.items() for excerpt in excerpts}


def _read_lists(place: Path) -> dict[str, str]:
    """Map excerpts to splits, from three files with lines like ``blues/blues.00029.wav``."""
    splits = {}
    for split, name in LIST_NAMES.items():
        try:
            lines = (place / name).read_text(encoding="utf-8").split()
        except (OSError, UnicodeDecodeError) as error:
            raise SourceError(
                f"{place / name}: not readable ({error}); --split-lists takes a folder with "
                f"{', '.join(LIST_NAMES.values())}"
            ) from error
        splits.update({Path(line).stem: split for line in lines})
    return splits
