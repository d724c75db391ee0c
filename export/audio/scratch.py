"""Arrays that are too long for memory: written to a temporary file block by block, then mapped.

    add, add, add ... -> file in TMPDIR or /var/tmp -> finished(): memory-mapped array

A file without a name is deleted as soon as it is open, so it goes with its process, however that
ends. Blocks are written, not mapped: on a full disk a write fails, where a store would kill.
"""

from __future__ import annotations

import contextlib
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
            raise self._no_room(error) from error

    def add(self, block: NDArray[Any]) -> None:
        """Add a block (T, ...) at the end.

        Raises:
            AudioError: the disk is full.
        """
        try:
            self._file.write(np.ascontiguousarray(block, self._dtype).data)
        except OSError as error:
            self.close()
            raise self._no_room(error) from error
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
            raise self._no_room(error) from error

    def close(self) -> None:
        """Give it up and delete the file; without effect once it is finished."""
        if self._file.closed:
            return
        with contextlib.suppress(OSError):  # closing writes what is left, to a full disk
            self._file.close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def _no_room(self, error: OSError) -> AudioError:
        return AudioError(
            "no room",
            f"no room for its sound in {self._folder} ({error.strerror}); free some, or set TMPDIR",
        )


def _opened(folder: Path, path: Path | None) -> Any:
    if path is None:
        return tempfile.TemporaryFile(dir=folder)  # closed by ``finished``
    return path.open("x+b")
