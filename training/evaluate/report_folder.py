"""The folder of a report, whole or not at all: made beside its place and moved there."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from training.evaluate.figures import finite_or_none
from training.report.page import page

REPORT, PAGE = "report.json", "index.html"

TEMPLATES = {
    "reconstruction": "reconstruction.html.j2",
    "traverse": "knobs.html.j2",
    "interpolation": "interpolation.html.j2",
    "swaps": "swaps.html.j2",
    "transfer": "transfer.html.j2",
    "time": "time.html.j2",
}


class ReportFolderError(ValueError):
    """A place where no report can be written."""


class ReportFolder:
    """Collects a report in ``draft``; a clean exit moves it into place, any other leaves nothing.

    Raises:
        ReportFolderError: the place is a file, or a folder with something else in it.
    """

    def __init__(self, path: Path) -> None:
        if path.is_file():
            raise ReportFolderError(f"-o {path} is a file; give a folder, for example -o report")
        if path.exists() and any(path.iterdir()) and not (path / REPORT).is_file():
            raise ReportFolderError(f"-o {path} holds no report but other files; give a new folder")
        self.path = path

    def __enter__(self) -> ReportFolder:
        place = self.path.absolute().parent
        place.mkdir(parents=True, exist_ok=True)
        self.draft = Path(tempfile.mkdtemp(dir=place, prefix=f".{self.path.name}."))
        self.draft.chmod(0o755)
        return self

    def write(self, report: dict[str, Any]) -> None:
        """Put the figures and the page into the draft."""
        plain = finite_or_none(report)
        text = json.dumps(plain, indent=1, allow_nan=False)
        (self.draft / REPORT).write_text(text + "\n", encoding="utf-8")
        (self.draft / PAGE).write_text(page(plain, TEMPLATES), encoding="utf-8")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            before = self.draft.with_name(f"{self.draft.name}.before")
            if self.path.exists():
                self.path.rename(before)
            self.draft.rename(self.path)
            shutil.rmtree(before, ignore_errors=True)
        else:
            shutil.rmtree(self.draft, ignore_errors=True)
