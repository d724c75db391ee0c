"""Memory that this process and one that it starts both see, without a file or a name left behind.

On POSIX an open file is inherited, in memory where the system has that; on Windows it has a name.
The size may be settled after the other process was started.
"""

from __future__ import annotations

import mmap
import os
import secrets
import sys
import tempfile
from collections.abc import Mapping
from typing import Any


class SharedMemory:
    """Made by the process that starts the other one; ``address`` is told to that one."""

    def __init__(self) -> None:
        self._file: int | None = None
        if sys.platform == "win32":
            self.address = f"latent-deck-{secrets.token_hex(8)}"
        else:
            self._file = _anonymous_file()
            self.address = str(self._file)

    @property
    def spawning(self) -> Mapping[str, Any]:
        """What ``subprocess.Popen`` must be given so that the process can open it."""
        return {} if self._file is None else {"pass_fds": (self._file,)}

    def open(self, size: int) -> mmap.mmap:
        """The memory, ``size`` bytes of zeros."""
        if self._file is None:
            return open_shared(self.address, size)
        os.ftruncate(self._file, size)
        return mmap.mmap(self._file, size)

    def close(self) -> None:
        """Give the file back; memory that was opened stays as long as it is used."""
        file, self._file = self._file, None
        if file is not None:
            os.close(file)


def open_shared(address: str, size: int) -> mmap.mmap:
    """The memory that the process which started this one calls ``address``."""
    if sys.platform == "win32":
        return mmap.mmap(-1, size, tagname=address)
    return mmap.mmap(int(address), size)


def _anonymous_file() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("latent-deck")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
