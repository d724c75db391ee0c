"""Files replaced in one step: a reader finds the old file or the new one, never half of either.

The new file is written under a temporary name in the same folder, to the disk itself, and renamed,
so that ``kill -9`` and a power cut leave one of the two as well. Standard library only: the server
uses this too.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

ABANDONED_S = 60.0
"""Age from which a temporary file belongs to a writer that was killed."""

_PREFIX, _SUFFIX = ".latent-deck-", ".part"


@contextmanager
def atomic_write(
    path: Path,
    *,
    temporary: Path | None = None,
    mode: int | None = None,
    sync: bool = True,
    sync_name: bool = False,
) -> Iterator[BinaryIO]:
    """Open a new binary file that replaces ``path`` if the block succeeds, else is deleted.

    ``temporary`` is the file to write first, in the folder of ``path``. By default its name is
    random, so several processes may write at once; with a fixed name, the next write overwrites
    what a killed one left. ``mode`` sets the permissions whatever the umask is. ``sync`` waits
    until the content is on the disk, ``sync_name`` until the new name is.

    Raises:
        OSError: the file cannot be written; ``path`` is as it was.
    """
    draft = temporary or path.with_name(f"{_PREFIX}{secrets.token_hex(4)}{_SUFFIX}")
    try:
        with _create(draft, overwrite=temporary is not None, private=mode is not None) as file:
            yield file
            if sync:
                file.flush()
                os.fsync(file.fileno())
        if mode is not None:
            os.chmod(draft, mode)
        os.replace(draft, path)
    except BaseException:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise
    if sync_name:
        sync_folder(path.parent)


def remove_abandoned(folder: Path) -> None:
    """Delete temporary files in ``folder`` that killed writers left."""
    for draft in folder.glob(f"{_PREFIX}*{_SUFFIX}"):
        with contextlib.suppress(OSError):
            if draft.stat().st_mtime < time.time() - ABANDONED_S:
                draft.unlink()


def sync_folder(folder: Path) -> None:
    """Wait until the names in ``folder`` are on the disk, on systems that can open folders."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _create(path: Path, overwrite: bool, private: bool) -> BinaryIO:
    permissions = 0o600 if private else 0o666  # of which the umask takes its part
    opener = partial(os.open, mode=permissions)
    return open(path, "w+b" if overwrite else "x+b", opener=opener)
