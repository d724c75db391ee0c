"""Names of files that a hand gives: below the media folder, harmless, and never one that is there.

A name comes over the network: letters, digits, spaces, . _ - alone, so that it cannot leave the
folder or hide in it.
"""

from __future__ import annotations

import itertools
import re
from pathlib import Path

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9 ._-]{0,79}")


def is_harmless(name: str) -> bool:
    """Whether ``name`` can be a file's in any folder.

    >>> is_harmless("take 3"), is_harmless("../take"), is_harmless(".bashrc")
    (True, False, False)
    """
    return _NAME.fullmatch(name) is not None


def free_name(path: Path) -> Path:
    """Where what was being written to ``path`` goes on: ``take.jsonl``, then ``take-2.jsonl``."""
    names = (path.with_stem(f"{path.stem}-{n}") for n in itertools.count(2))
    return next(name for name in itertools.chain([path], names) if not name.exists())
