"""New files named by a client: below the media folder, with safe names, never overwriting.

Names arrive over the network: only letters, digits, spaces, . _ - are allowed, so that a name
cannot leave the folder or be a hidden file.
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
    """Return True if ``name`` is a safe file name in any folder.

    >>> is_safe_name("take 3"), is_safe_name("../take"), is_safe_name(".bashrc")
    (True, False, False)
    """
    return _NAME.fullmatch(name) is not None


def require_safe_name(name: str, what: str, error_class: type[ValueError]) -> None:
    """Refuse a name that is not safe for ``what``.

    Raises:
        ValueError: ``error_class``, in one line.
    """
    if not is_safe_name(name):
        raise error_class(
            f"{name[:80]!r} is not a name for {what}; use up to 80 letters, digits, spaces, . _ -"
        )


@contextmanager
def creating(path: Path, error_class: type[ValueError]) -> Iterator[None]:
    """Turn errors of creating the new file ``path`` into ``error_class``.

    Raises:
        ValueError: ``error_class``, in one line: it exists already, or cannot be written.
    """
    try:
        yield
    except FileExistsError:
        raise error_class(f"'{path.name}' exists already; choose another name") from None
    except OSError as error:
        raise error_class(f"cannot write '{path}' ({error.strerror or error})") from error


def free_name(path: Path) -> Path:
    """Return the first free name of ``path``: ``take.jsonl``, then ``take-2.jsonl``."""
    names = (path.with_stem(f"{path.stem}-{n}") for n in itertools.count(2))
    return next(name for name in itertools.chain([path], names) if not name.exists())


def write_all(file: FileIO, data: bytes) -> None:
    """Write all of ``data``, in as many pieces as it takes.

    Raises:
        OSError: it cannot be written.
    """
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]
