"""Large arrays between processes: files that are mapped on either side, never copied.

encoder process: writes FOLDER/12-pcm -- pipe: its name, type, shape --> instrument: maps it
        the receiver says how long the file is needed
"""

from __future__ import annotations

import contextlib
import itertools
import os
import weakref
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


class ArrayFiles:
    """New names in a folder; without a folder, arrays are in files without a name."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._numbers = itertools.count()

    def new(self, kind: str) -> Path | None:
        """The path of a new file; None without a folder."""
        if self._folder is None:
            return None
        return self._folder / f"{os.getpid()}-{next(self._numbers)}-{kind}"


def send_by_name() -> None:
    """Let pipes of this process send mapped files by their names instead of their content."""
    ForkingPickler.register(np.memmap, _reduced)


def path_of(array: NDArray[Any]) -> Path | None:
    """The file that ``array`` is the beginning of; None where it has none with a name."""
    name = getattr(array, "filename", None)
    if name is None or not array.flags.c_contiguous or not os.path.exists(name):
        return None
    return Path(name)


def mapped(path: Path, dtype: str, shape: tuple[int, ...]) -> NDArray[Any]:
    """Map a file whose content is an array."""
    return np.memmap(path, np.dtype(dtype), mode="r", shape=shape)


def delete(array: NDArray[Any]) -> None:
    """Delete the file of ``array``, if it has one with a name; what is mapped stays readable."""
    path = path_of(array)
    if path is not None:
        _delete(str(path))


def delete_with(array: NDArray[Any]) -> None:
    """Delete the file of ``array`` when nothing uses the mapping any more."""
    path = path_of(array)
    mapping = getattr(array, "_mmap", None)
    if path is not None and mapping is not None:
        weakref.finalize(mapping, _delete, str(path))


def _delete(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)


def _reduced(array: NDArray[Any]) -> Any:
    path = path_of(array)
    if path is None:
        return np.asarray(array).__reduce__()
    return mapped, (path, array.dtype.str, array.shape)
