"""Anonymous memory shared with a child process; leaves no file or name behind.

On POSIX the child inherits an open file, in memory where the system supports that; on Windows the
memory has a name. The size may be set after the child was started.
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
    """Created by the parent process, which passes ``address`` to the child."""

    def __init__(self) -> None:
        self._file: int | None = None
        if sys.platform == "win32":
            self.address = f"latent-deck-{secrets.token_hex(8)}"
        else:
            self._file = _anonymous_file()
            self.address = str(self._file)

    @property
    def popen_options(self) -> Mapping[str, Any]:
        """Options for ``subprocess.Popen`` that let the child open the memory."""
        return {} if self._file is None else {"pass_fds": (self._file,)}

    def open(self, size: int) -> mmap.mmap:
        """Map the memory: ``size`` bytes of zeros."""
        if self._file is None:
            return open_shared(self.address, size)
        os.ftruncate(self._file, size)
        return mmap.mmap(self._file, size)

    def close(self) -> None:
        """Close the file; mapped memory stays as long as it is used."""
        file, self._file = self._file, None
        if file is not None:
            os.close(file)


def open_shared(address: str, size: int) -> mmap.mmap:
    """Map the memory that the parent process calls ``address``."""
    if sys.platform == "win32":
        return mmap.mmap(-1, size, tagname=address)
    return mmap.mmap(int(address), size)


def _anonymous_file() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("latent-deck")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
