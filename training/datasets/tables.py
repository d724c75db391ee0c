"""CSV and JSON tables of data sets: UTF-8, checked for the columns that are needed."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from training.datasets.listing import SourceError

_LONGEST_FIELD = 1 << 24  # bytes; FMA's table has whole biographies in its fields


def read_csv(path: Path) -> Iterator[list[str]]:
    """Yield the rows of a CSV file.

    Raises:
        SourceError: not readable, not UTF-8, or not CSV.
    """
    csv.field_size_limit(_LONGEST_FIELD)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from csv.reader(file)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SourceError(f"{path}: not a readable table ({error}); unpack it again") from error


def read_json(path: Path) -> Any:
    """Return the contents of a JSON file.

    Raises:
        SourceError: not readable, cut short, or not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise SourceError(
            f"{path}: damaged or cut short ({error}); make or unpack it again"
        ) from error


def require_columns(path: Path, found: object, needed: tuple[Any, ...]) -> None:
    """Require that a table has the ``needed`` columns.

    Raises:
        SourceError: some are missing.
    """
    missing = [column for column in needed if column not in found]  # type: ignore[operator]
    if missing:
        names = ", ".join("/".join(c) if isinstance(c, tuple) else str(c) for c in missing)
        raise SourceError(f"{path}: no column {names}; use the data set's own table")
