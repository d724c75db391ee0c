"""The folder of a report, replaced whole: written as a draft beside its place, then moved there."""

from __future__ import annotations

import json
import math
import shutil
import tempfile
from pathlib import Path
from typing import Any

from training.evaluate.sections import SECTIONS
from training.report.page import page

REPORT, PAGE = "report.json", "index.html"


class ReportFolderError(ValueError):
    """A place where no report can be written."""


class ReportFolder:
    """Collects a report in ``draft``; a clean exit moves it into place, an error discards it.

    Raises:
        ReportFolderError: the place is a file, or a folder that holds something else.
    """

    def __init__(self, path: Path) -> None:
        if path.is_file():
            raise ReportFolderError(f"-o {path} is a file; give a folder, for example -o report")
        if path.exists() and any(path.iterdir()) and not (path / REPORT).is_file():
            raise ReportFolderError(
                f"-o {path} holds other files but no report; give a new or empty folder"
            )
        self.path = path

    def __enter__(self) -> ReportFolder:
        place = self.path.absolute().parent
        place.mkdir(parents=True, exist_ok=True)
        self.draft = Path(tempfile.mkdtemp(dir=place, prefix=f".{self.path.name}."))
        self.draft.chmod(0o755)
        return self

    def write(self, report: dict[str, Any]) -> None:
        """Write ``report.json`` and ``index.html`` into the draft."""
        plain = finite_or_none(report)
        text = json.dumps(plain, indent=1, allow_nan=False)
        (self.draft / REPORT).write_text(text + "\n", encoding="utf-8")
        templates = {name: section.template for name, section in SECTIONS.items()}
        (self.draft / PAGE).write_text(page(plain, templates), encoding="utf-8")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            previous = self.draft.with_name(f"{self.draft.name}.before")
            if self.path.exists():
                self.path.rename(previous)
            self.draft.rename(self.path)
            shutil.rmtree(previous, ignore_errors=True)
        else:
            shutil.rmtree(self.draft, ignore_errors=True)


def finite_or_none(value: Any) -> Any:
    """The value for strict JSON: None (null) in place of NaN and infinity."""
    if isinstance(value, dict):
        return {key: finite_or_none(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [finite_or_none(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
