"""Arrays that are too long for memory: written to a temporary file block by block, then mapped.

    add, add, add ... -> file in TMPDIR or /var/tmp -> finished(): memory-mapped array

A file without a name is deleted as soon as it is open, so it goes with its process, however that
ends. Blocks are written, not mapped: on a full disk a write fails, where a store would kill.
"""

from __future__ import annotations

import contextlib
import math
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from export.audio.errors import AudioError
from export.audio.scratch_folder import scratch_folder


class ScratchArray:
    """An array (T, ...) that grows at its end, then is mapped.

    Raises:
        AudioError: there is no room for the file.
    """

    def __init__(
        self, dtype: DTypeLike, columns: tuple[int, ...] = (), path: Path | None = None
    ) -> None:
        """``columns`` are the lengths of all dimensions but the first; ``path`` keeps the file."""
        self._dtype = np.dtype(dtype)
        self._columns = columns
        self._length = 0
        self._path = path
        self._folder = scratch_folder() if path is None else path.parent
        try:
            self._file = _opened(self._folder, path)
        except OSError as error:
            raise no_room(self._folder, error) from error

    def add(self, block: NDArray[Any]) -> None:
        """Add a block (T, ...) at the end.

        Raises:
            AudioError: the disk is full.
        """
        try:
            self._file.write(np.ascontiguousarray(block, self._dtype).data)
        except OSError as error:
            self.close()
            raise no_room(self._folder, error) from error
        self._length += len(block)

    def finished(self) -> NDArray[Any]:
        """The whole array, which can be written to; nothing can be added any more.

        Raises:
            AudioError: the disk is full.
        """
        shape = (self._length, *self._columns)
        try:
            with self._file as file:
                file.flush()
                if not self._length:  # an empty file cannot be mapped
                    return np.empty(shape, self._dtype)
                return np.memmap(file, self._dtype, mode="r+", shape=shape)
        except OSError as error:
            raise no_room(self._folder, error) from error

    def close(self) -> None:
        """Give it up and delete the file; without effect once it is finished."""
        if not self._file.closed:
            _give_up(self._file, self._path)


class FilledArray:
    """An array (T, ...) of known length, mapped while it is filled; zero where it is not yet.

    Raises:
        AudioError: there is no room for the file.
    """

    def __init__(self, dtype: DTypeLike, shape: tuple[int, ...], path: Path | None = None) -> None:
        """``path`` keeps the file."""
        self.filled = 0
        """Rows that have been added."""
        self._path = path
        self._folder = scratch_folder() if path is None else path.parent
        try:
            self._file = _opened(self._folder, path)
            self._file.truncate(np.dtype(dtype).itemsize * math.prod(shape))
        except OSError as error:
            raise no_room(self._folder, error) from error
        self.array: NDArray[Any] = np.memmap(self._file, dtype, mode="r+", shape=shape)
        self._file.seek(0)  # mapping looks for the end of the file

    def add(self, block: NDArray[Any]) -> None:
        """Add a block (T, ...); what is beyond the end is left out.

        Raises:
            AudioError: the disk is full.
        """
        kept = np.ascontiguousarray(block[: len(self.array) - self.filled], self.array.dtype)
        try:
            self._file.write(kept.data)
            self._file.flush()
        except OSError as error:
            raise no_room(self._folder, error) from error
        self.filled += len(kept)

    def finished(self) -> NDArray[Any]:
        """The array; nothing can be added any more."""
        self._file.close()
        return self.array

    def close(self) -> None:
        """Give it up and delete the file; without effect once it is finished."""
        if not self._file.closed:
            _give_up(self._file, self._path)


def no_room(folder: Path, error: OSError) -> AudioError:
    """The error of a disk that is full, or of a folder that cannot be written to."""
    return AudioError(
        "no room",
        f"no room for its sound in {folder} ({error.strerror}); free some, or set TMPDIR",
    )


def _give_up(file: Any, path: Path | None) -> None:
    with contextlib.suppress(OSError):  # closing writes what is left, to a full disk
        file.close()
    if path is not None:
        path.unlink(missing_ok=True)


def _opened(folder: Path, path: Path | None) -> Any:
    if path is None:
        return tempfile.TemporaryFile(dir=folder)  # closed by ``finished``
    return path.open("x+b")
