"""Audio files below a folder, their names in the store, and files that cannot be read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from export.audio.model_input import SUFFIXES
from training.datasets.listing import LeftOut, SourceError


@dataclass(frozen=True)
class FolderListing:
    """Audio files sorted by name, and those that cannot be read."""

    paths: tuple[Path, ...]
    left_out: tuple[LeftOut, ...]


def folder(source: Path) -> Path:
    """Return ``source`` as an absolute path.

    Raises:
        SourceError: no such folder.
    """
    if not source.is_dir():
        raise SourceError(f"{source}: no such folder; give folders with music in them")
    return source.resolve()


def name_in_store(path: Path, root: Path) -> str:
    """The file's name in a store: it begins with the folder's, so several folders fit in one."""
    return f"{root.name}/{path.relative_to(root).as_posix()}"


def audio_files(root: Path) -> FolderListing:
    """List every audio file below ``root``; links are followed, files with a leading dot skipped.

    Other files are ignored.
    """
    left_out: list[LeftOut] = []

    def unreadable_folder(error: OSError) -> None:
        name = name_in_store(Path(error.filename), root)
        left_out.append(LeftOut(name, "unreadable", f"cannot open the folder: {error.strerror}"))

    paths = []
    for path in _walk(root, unreadable_folder):
        suffix = path.suffix.lower()
        if path.name.startswith(".") or suffix not in SUFFIXES:
            continue
        if path.is_file():
            paths.append(path)
        else:
            left_out.append(LeftOut(name_in_store(path, root), "missing", "a broken link"))
    return FolderListing(tuple(sorted(paths)), tuple(left_out))


def _walk(root: Path, on_error: object) -> Iterator[Path]:
    """Yield the files below ``root``; a folder linked into itself is entered once."""
    seen: set[str] = set()
    for place, folders, files in os.walk(root, onerror=on_error, followlinks=True):  # type: ignore[arg-type]
        real = os.path.realpath(place)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        yield from (Path(place, name) for name in files)
