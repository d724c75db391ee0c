"""New files that a hand names: below the media folder, harmless, and never one that is there.

A name comes over the network: letters, digits, spaces, . _ - alone, so that it cannot leave the
folder or hide in it.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9 ._-]{0,79}")


def is_safe_name(name: str) -> bool:
    """Whether ``name`` can be a file's in any folder.

    >>> is_harmless("take 3"), is_harmless("../take"), is_harmless(".bashrc")
    (True, False, False)
    """
    return _NAME.fullmatch(name) is not None


def require_safe_name(name: str, what: str, refused: type[ValueError]) -> None:
    """Refuse what cannot be the name of ``what`` in any folder.

    Raises:
        ValueError: ``refused``, in one line.
    """
    if not is_safe_name(name):
        raise refused(
            f"{name[:80]!r} is no name for {what}; use up to 80 letters, digits, spaces, . _ -"
        )


@contextmanager
def creating(path: Path, refused: type[ValueError]) -> Iterator[None]:
    """A new file at ``path`` is opened within this.

    Raises:
        ValueError: ``refused``, in one line: it is there already, or cannot be written.
    """
    try:
        yield
    except FileExistsError:
        raise refused(f"'{path.name}' is there already; choose another name") from None
    except OSError as error:
        raise refused(f"cannot write '{path}' ({error.strerror or error})") from error


def free_name(path: Path) -> Path:
    """Where what was being written to ``path`` goes on: ``take.jsonl``, then ``take-2.jsonl``."""
    names = (path.with_stem(f"{path.stem}-{n}") for n in itertools.count(2))
    return next(name for name in itertools.chain([path], names) if not name.exists())


def write_all(file: FileIO, data: bytes) -> None:
    """Write ``data``, in as many pieces as it takes.

    Raises:
        OSError: it cannot be written.
    """
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]
