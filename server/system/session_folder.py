"""A folder on the disk for one session's large arrays; standard library only.

/var/tmp/latent-deck-UID/          locked while a folder in it is made or removed
    abc123/                        locked by its session, for as long as that lives
    def456/                        not locked: its session was killed; the next one removes it
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from export.audio.scratch_folder import scratch_folder


@contextmanager
def session_folder(base: Path | None = None) -> Iterator[Path | None]:
    """A new folder, removed at the end; those of dead sessions are removed first.

    None where none can be made: arrays then travel through pipes and memory.
    """
    try:
        folder, lock = _made(base or scratch_folder() / f"latent-deck-{_user()}")
    except OSError:
        yield None
        return
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _made(base: Path) -> tuple[Path, int]:
    """Make a folder in ``base``; return it and its lock."""
    base.mkdir(mode=0o700, exist_ok=True)
    if base.stat().st_uid != _user() or base.is_symlink():
        raise PermissionError(f"{base} belongs to somebody else")
    base_lock = os.open(base, os.O_RDONLY)
    try:
        _lock(base_lock, wait=True)
        _remove_dead(base)
        folder = Path(tempfile.mkdtemp(dir=base))
        lock = os.open(folder, os.O_RDONLY)
        _lock(lock, wait=True)
        return folder, lock
    finally:
        os.close(base_lock)


def _remove_dead(base: Path) -> None:
    for folder in base.iterdir():
        with contextlib.suppress(OSError):
            lock = os.open(folder, os.O_RDONLY)
            try:
                if _lock(lock, wait=False):
                    shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)


def _lock(descriptor: int, wait: bool) -> bool:
    """Lock a folder until it is closed; return False if another process has."""
    try:
        import fcntl
    except ImportError:  # Windows: sessions remove what they made, if they can
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True


def _user() -> int:
    return os.getuid() if hasattr(os, "getuid") else 0
