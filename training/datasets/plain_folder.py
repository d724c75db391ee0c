"""A plain folder of music, with or without the ``pairs.json`` of ``training.render``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from export.audio.model_input import SUFFIXES
from training.datasets.audio_files import audio_files, folder, name_in_store
from training.datasets.listing import Finding, ListedFile, SourceError
from training.datasets.tables import read_json

PAIRS_FILE = "pairs.json"
"""Written by ``training.render`` beside its files: the piece and instrument of each."""


def find(source: Path) -> Iterator[Finding]:
    """Yield the audio files below ``source`` by name, with their split, piece and instrument.

    Raises:
        SourceError: no such folder, no audio in it, or a damaged ``pairs.json``.
    """
    root = folder(source)
    files = audio_files(root)
    if not files.paths and not files.left_out:
        raise SourceError(
            f"{source}: no audio in this folder; give one with {', '.join(SUFFIXES)} files"
        )
    pairs = read_pairs(root)
    yield from files.left_out
    yield from (_entry(path, root, pairs) for path in files.paths)


def _entry(path: Path, root: Path, pairs: dict[str, dict[str, Any]]) -> ListedFile:
    pair = pairs.get(path.relative_to(root).as_posix(), {})
    return ListedFile(
        path,
        name_in_store(path, root),
        split="heldout" if pair.get("heldout") else "train",
        group=pair.get("score"),
        score=_take(pair),
        instrument=pair.get("instrument"),
    )


def _take(pair: dict[str, Any]) -> str | None:
    """Key of the recordings with the same notes: the piece, and how ``training.render`` varied it.

    Rendered with another seed into another folder, a piece has another tempo and key.
    """
    if {"seed", "seconds_max"} <= pair.keys():
        return f"seed {pair['seed']}, {pair['seconds_max']} s/{pair['score']}"
    return pair.get("score")


def read_pairs(root: Path) -> dict[str, dict[str, Any]]:
    """Read ``pairs.json``: the entry of each file in this folder, or nothing if there is none.

    Raises:
        SourceError: damaged, or not written by ``training.render``.
    """
    path = root / PAIRS_FILE
    if not path.is_file():
        return {}
    pairs = read_json(path)
    if not (isinstance(pairs, dict) and all(map(_is_pair, pairs.values()))):
        raise SourceError(f"{path}: not written by training.render; remove it or render again")
    return pairs


def _is_pair(entry: object) -> bool:
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("score"), str)
        and isinstance(entry.get("instrument"), str)
        and isinstance(entry.get("heldout"), bool)
    )
