"""The bundle built into the package, so that the first command makes a sound."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from export.bundle.archive import read_bundle
from export.bundle.format import Bundle, BundleError

NAME = "default.bundle"


def open_bundle(path: Path | None) -> Bundle:
    """Open the bundle at ``path``, or the one built in.

    Raises:
        BundleError: it is missing, damaged, or of another version.
    """
    if path is not None:
        return read_bundle(path)
    built_in = resources.files("server") / NAME
    if not built_in.is_file():
        raise BundleError("there is no built-in bundle; name one with --bundle FILE")
    with resources.as_file(built_in) as file:
        return read_bundle(file)
