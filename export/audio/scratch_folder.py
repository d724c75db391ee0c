"""Where temporary files go; standard library only."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def scratch_folder() -> Path:
    """Return $TMPDIR, else /var/tmp, since /tmp is often in memory."""
    if "TMPDIR" not in os.environ and os.access("/var/tmp", os.W_OK):
        return Path("/var/tmp")
    return Path(tempfile.gettempdir())
