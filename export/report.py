"""Figures for a bundle's manifest, from a report of ``training.evaluate``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

PATHS = ("checkpoint", "data")
"""Keys of a report that hold paths of the machine it was made on."""

NOT_SHIPPED = ("clips", "pairs", "shown", "dimensions", "style_space", "curve")
"""Keys of a report with lists of single clips, or with the knobs, which the bundle has already."""


class ReportError(ValueError):
    """A report that cannot be read."""


def read_report(path: Path) -> dict[str, Any]:
    """Read ``report.json``.

    Raises:
        ReportError: it cannot be read, or is not a JSON object.
    """
    try:
        figures = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ReportError(f"figures '{path}' cannot be read: {error}") from error
    if not isinstance(figures, dict):
        raise ReportError(f"figures '{path}' are not a JSON object; give training.evaluate's")
    return figures


def shipped_figures(report: dict[str, Any]) -> dict[str, Any]:
    """The report without paths, and without figures of single clips."""
    return dict(_summary({name: one for name, one in report.items() if name not in PATHS}))


def _summary(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    # A number called "clips" is a count; only the list of clips is left out.
    return {
        name: _summary(inner)
        for name, inner in value.items()
        if not (name in NOT_SHIPPED and isinstance(inner, list | dict))
    }
