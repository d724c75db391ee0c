"""The configuration folder, which holds presets, mappings and settings.

The platform's own (``~/.config/latent-deck``, ``~/Library/Application Support/latent-deck``,
``%LOCALAPPDATA%\\latent-deck``), or ``--config DIR``. It is created when something is first saved.
"""

from __future__ import annotations

from pathlib import Path

import platformdirs

NO_FOLDER = "nothing is saved with --config none; start with --config DIR"


def default_folder() -> Path:
    """Return the platform's folder; it may not exist."""
    return platformdirs.user_config_path("latent-deck", appauthor=False)
