"""The files below a folder, and their names in the store; what cannot be looked at is told."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from export.audio.model_input import SUFFIXES
from training.datasets.listing import LeftOut, SourceError

UNSUPPORTED = frozenset(
    (
        *(".aac", ".ac3", ".alac", ".amr", ".ape", ".dff", ".dsf", ".dts", ".m4a", ".m4b", ".mka"),
        *(".mp4", ".mpc", ".ra", ".tak", ".tta", ".webm", ".wma", ".wv"),
    )
)
"""Endings of sound that libsndfile cannot read."""


@dataclass(frozen=True)
class FolderListing:
    """Audio files in the order of their names, and what could not be looked at."""

    paths: tuple[Path, ...]
    left_out: tuple[LeftOut, ...]


def folder(source: Path) -> Path:
    """``source`` as an absolute path.

    Raises:
        SourceError: there is no such folder.
    """
    if not source.is_dir():
        raise SourceError(f"{source}: no such folder; give folders with music in them")
    return source.resolve()


def name_in_store(path: Path, root: Path) -> str:
    """Begins with the folder's own name, so that several folders live in one store."""
    return f"{root.name}/{path.relative_to(root).as_posix()}"


def audio_files(root: Path) -> FolderListing:
    """Every audio file below ``root``, links followed, files with a leading dot left alone.

    Sound of a kind that cannot be read here is told, everything else is passed over.
    """
    left_out: list[LeftOut] = []

    def closed(error: OSError) -> None:
        name = name_in_store(Path(error.filename), root)
        left_out.append(LeftOut(name, "unreadable", f"cannot look inside: {error.strerror}"))

    paths = []
    for path in _walk(root, closed):
        suffix = path.suffix.lower()
        if path.name.startswith(".") or suffix not in UNSUPPORTED.union(SUFFIXES):
            continue
        if suffix in UNSUPPORTED:
            left_out.append(LeftOut(name_in_store(path, root), "unsupported", _hint(suffix)))
        elif path.is_file():
            paths.append(path)
        else:
            left_out.append(LeftOut(name_in_store(path, root), "missing", "a link to nowhere"))
    return FolderListing(tuple(sorted(paths)), tuple(left_out))


def _hint(suffix: str) -> str:
    return f"{suffix} cannot be read here; convert it, as with ffmpeg -i FILE{suffix} FILE.flac"


def _walk(root: Path, on_error: object) -> Iterator[Path]:
    """Files below ``root``; a folder linked into itself is entered once."""
    seen: set[str] = set()
    for place, folders, files in os.walk(root, onerror=on_error, followlinks=True):  # type: ignore[arg-type]
        real = os.path.realpath(place)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        yield from (Path(place, name) for name in files)
