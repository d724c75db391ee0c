"""The audio files of a folder, with what is known about each before it is read.

Shared by ``training.prepare``, which reads them, and ``training.render``, which leaves
``pairs.json`` beside what it renders.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from export.audio import SUFFIXES
from training.store import StoredRecording

PAIRS_FILE = "pairs.json"
"""Beside renderings: which files are the same score; written by ``training.render``."""


class SourceError(ValueError):
    """A folder that no music can be taken from."""


@dataclass(frozen=True)
class Job:
    """One file to convert; ``recording`` says everything but where it will lie."""

    path: Path
    recording: StoredRecording


def find_jobs(source: Path, exclude: Sequence[str], heldout: Sequence[str]) -> list[Job]:
    """The audio files below ``source`` by name, with their split and pairing.

    Names begin with the folder's own name, so that several sources live in one store. A score
    is held out as a whole: one of its renderings held out takes the others with it.

    Raises:
        SourceError: no such folder, no audio in it, or a damaged ``pairs.json``.
    """
    if not source.is_dir():
        raise SourceError(f"{source}: no such folder; give folders with music in them")
    root = source.resolve()
    found = [path for path in _files(root) if path.suffix.lower() in SUFFIXES]
    if not found:
        raise SourceError(
            f"{source}: no audio in this folder; {', '.join(SUFFIXES)} are looked for"
        )
    pairs = _read_pairs(root)
    jobs = [
        Job(path, _describe(path, root, pairs, heldout))
        for path in found
        if not _matches(path, root, exclude)
    ]
    return _hold_out_scores(jobs)


def _files(root: Path) -> list[Path]:
    """Regular files below ``root`` by name, hidden ones left out."""
    paths = (path for path in root.rglob("*") if not path.name.startswith("."))
    return sorted(path for path in paths if path.is_file())


def _matches(path: Path, root: Path, globs: Sequence[str]) -> bool:
    inside = path.relative_to(root).as_posix()
    names = (inside, path.name, f"{root.name}/{inside}")
    return any(fnmatch(name, glob) for glob in globs for name in names)


def _describe(
    path: Path, root: Path, pairs: dict[str, dict[str, Any]], heldout: Sequence[str]
) -> StoredRecording:
    inside = path.relative_to(root).as_posix()
    pair = pairs.get(inside, {})
    held = bool(pair.get("heldout", False)) or _matches(path, root, heldout)
    return StoredRecording(
        name=f"{root.name}/{inside}",
        offset=0,
        length=0,
        gain_db=0.0,
        split="heldout" if held else "train",
        score=pair.get("score"),
        instrument=pair.get("instrument"),
        source_bytes=path.stat().st_size,
    )


def _hold_out_scores(jobs: list[Job]) -> list[Job]:
    scores = {job.recording.score for job in jobs if job.recording.split == "heldout"} - {None}
    return [
        replace(job, recording=replace(job.recording, split="heldout"))
        if job.recording.score in scores
        else job
        for job in jobs
    ]


def _read_pairs(root: Path) -> dict[str, dict[str, Any]]:
    path = root / PAIRS_FILE
    if not path.is_file():
        return {}
    try:
        pairs = json.loads(path.read_text(encoding="utf-8"))
        sound = isinstance(pairs, dict) and all(map(_is_pair, pairs.values()))
    except ValueError as error:
        raise SourceError(f"{path}: damaged ({error}); render the scores again") from error
    if not sound:
        raise SourceError(f"{path}: not a file of training.render; remove it or render again")
    return dict(pairs)


def _is_pair(entry: object) -> bool:
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("score"), str)
        and isinstance(entry.get("instrument"), str)
        and isinstance(entry.get("heldout"), bool)
    )
