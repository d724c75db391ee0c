"""Files that are there whole or not at all, and say by name where they could not be written."""

from __future__ import annotations

import os
from pathlib import Path


def write_whole(path: Path, draft: Path, content: bytes) -> None:
    """Write ``draft``, on the disk of ``path``, and put it in its place in one step.

    Raises:
        OSError: it cannot be written; ``path`` is named and as it was, the draft is gone.
    """
    try:
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        # Python names no file where it is writing that fails, as on a full disk.
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        draft.unlink(missing_ok=True)
