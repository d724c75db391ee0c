"""A progress bar on the terminal."""

from __future__ import annotations

import sys
import time
from typing import TextIO

_WIDTH = 30
_REDRAW_S = 0.1


class ProgressBar:
    """Redraws ``label [####    ] 42 %`` on standard output; silent where that is no terminal."""

    def __init__(self, label: str, stream: TextIO | None = None) -> None:
        self._label = label
        self._stream = stream or sys.stdout
        self._drawn_s = 0.0

    def __call__(self, share: float) -> None:
        """Show ``share`` (0..1); 1 ends the line."""
        if not self._stream.isatty():
            return
        now_s = time.monotonic()
        if share < 1 and now_s - self._drawn_s < _REDRAW_S:
            return
        self._drawn_s = now_s
        bar = "#" * round(share * _WIDTH)
        end = "\n" if share >= 1 else ""
        self._stream.write(f"\r{self._label} [{bar:<{_WIDTH}}] {share:4.0%}{end}")
        self._stream.flush()
