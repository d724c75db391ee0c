"""Training's files, replaced in one step; an error names the file that could not be written."""

from __future__ import annotations

from pathlib import Path

from export.bundle.atomic_write import atomic_write


def write_whole(path: Path, content: bytes, temporary: Path | None = None) -> None:
    """Write ``content`` to ``temporary``, by default ``.NAME.part`` beside it, and rename it.

    Raises:
        OSError: it cannot be written; ``path`` is named and as it was.
    """
    # A fixed name: a run that is killed leaves one file at most, which the next one overwrites.
    draft = temporary or path.with_name(f".{path.name}.part")
    try:
        with atomic_write(path, temporary=draft) as file:
            file.write(content)
    except OSError as error:
        # Python names no file where writing fails, as on a full disk.
        raise OSError(error.errno, error.strerror, str(path)) from error
