"""Parts of a report as text for a terminal, shared by several sections."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

TITLE_WIDTH = 30


def summary_table(name: str, section: dict[str, Any], columns: Sequence[str]) -> list[str]:
    """The means of a section's summary, as lines: a method a row, a figure a column."""
    width = max(map(len, columns))
    lines = [f"{name:<{TITLE_WIDTH}}" + "  ".join(f"{one:>{width}}" for one in columns)]
    for method, figures in section["summary"].items():
        cells = "  ".join(f"{figures[one]['mean']:{width}.3f}" for one in columns)
        lines.append(f"{section['titles'][method]:<{TITLE_WIDTH}}{cells}")
    return lines


def percent(share: float) -> str:
    """A share in per cent."""
    return f"{100 * share:.0f} %" if math.isfinite(share) else "no part"
