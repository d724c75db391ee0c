"""The MIDI files to render: found by path, named by folder and file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.render.settings import RenderError

SUFFIXES = (".mid", ".midi")


@dataclass(frozen=True)
class PieceFile:
    """A MIDI file and the name of its piece, such as ``bach/invention_1``."""

    path: Path
    name: str


def find_pieces(paths: Sequence[Path]) -> list[PieceFile]:
    """The given MIDI files, and those in the given folders and below.

    Raises:
        RenderError: a path does not exist, there is no MIDI file, or two have the same name.
    """
    pieces = [piece for path in paths for piece in _expand(path)]
    if not pieces:
        raise RenderError(f"no {' or '.join(SUFFIXES)} files in these folders")
    doubled = [name for name, n in Counter(piece.name for piece in pieces).items() if n > 1]
    if doubled:
        raise RenderError(f"two MIDI files have the name {doubled[0]}; rename one or render apart")
    return pieces


def choose(pieces: list[PieceFile], pieces_max: int | None, seed: int) -> list[PieceFile]:
    """Draw ``pieces_max`` of the pieces; None takes all."""
    if pieces_max is None or pieces_max >= len(pieces):
        return pieces
    rng = np.random.default_rng(seed)
    return [pieces[i] for i in sorted(rng.permutation(len(pieces))[:pieces_max])]


def _expand(path: Path) -> Iterator[PieceFile]:
    if path.is_file():
        yield PieceFile(path, f"{path.resolve().parent.name}/{path.stem}")
        return
    if not path.is_dir():
        raise RenderError(f"{path}: no such file or folder; give MIDI files or folders of them")
    root = path.resolve()
    for found in sorted(p for p in root.rglob("*") if p.suffix.lower() in SUFFIXES):
        inside = found.relative_to(root).with_suffix("").as_posix()
        yield PieceFile(found, f"{root.name}/{inside}")
