"""What may be loaded onto a deck: the bundle's library by name, files below the media folder."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path


class MediaError(ValueError):
    """A name that is no library deck and no file that may be loaded."""


def media_file(source: str, folder: Path, library: Collection[str]) -> Path:
    """The file that a foreign ``/deck/a/load`` means.

    Raises:
        MediaError: nothing of that name in ``folder``; a file outside is treated as missing, so
            that a stranger does not learn what else is on the disk.
    """
    try:
        path = (folder / source).resolve()
        found = path.is_relative_to(folder.resolve()) and path.is_file()
    except (OSError, ValueError, RuntimeError):  # NUL, too long, a loop of links
        found = False
    if found:
        return path
    raise MediaError(
        f"{source[:80]!r} is neither a library deck ({', '.join(library) or 'there are none'}) "
        "nor an audio file in the media folder (--media)"
    )
