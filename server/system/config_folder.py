"""The configuration folder: where presets, maps and settings lie.

The platform's own (``~/.config/latent-deck``, ``~/Library/Application Support/latent-deck``,
``%LOCALAPPDATA%\\latent-deck``), or ``--config DIR``. Nothing makes it before something is saved.
"""

from __future__ import annotations

from pathlib import Path

import platformdirs

NO_FOLDER = "nothing is kept with --config none; start with --config DIR"


def default_folder() -> Path:
    """The platform's; it need not be there."""
    return platformdirs.user_config_path("latent-deck", appauthor=False)
