"""Names that may be loaded onto a deck: library decks, and files below the media folder."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path


class MediaError(ValueError):
    """A name that is neither a library deck nor a file that may be loaded."""


def file_below(name: str, folder: Path) -> Path | None:
    """Return the file ``name`` in ``folder``; None where there is none, or it is outside."""
    try:
        path = (folder / name).resolve()
        found = path.is_relative_to(folder.resolve()) and path.is_file()
    except (OSError, ValueError, RuntimeError):  # NUL, too long, a loop of links
        return None
    return path if found else None


def media_file(source: str, folder: Path, library: Collection[str]) -> Path:
    """Return the file that a client's ``/deck/a/load`` names.

    Raises:
        MediaError: there is no such file in ``folder``; one outside is treated as missing, so that
            a stranger does not learn what else is on the disk.
    """
    path = file_below(source, folder)
    if path is not None:
        return path
    raise MediaError(
        f"{source[:80]!r} is neither a library deck ({', '.join(library) or 'there are none'}) "
        "nor an audio file in the media folder (--media)"
    )


def initial_decks(library: Collection[str], chosen: Mapping[str, str]) -> dict[str, str]:
    """Return the decks to load at the start: those ``chosen``.

    Where neither ``a`` nor ``b`` is chosen, they get the first two decks of the library.

    Raises:
        MediaError: neither a library deck nor a file.
    """
    for name, source in chosen.items():
        if source not in library and not Path(source).exists():
            raise MediaError(
                f"--deck-{name}: '{source}' is neither a file nor a library deck; "
                "--list-decks shows the library"
            )
    is_free = not {"a", "b"} & chosen.keys()
    return (dict(zip(("a", "b"), library, strict=False)) if is_free else {}) | dict(chosen)
