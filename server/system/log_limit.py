"""A rate-limited log: one line a second, and the number of lines left out."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable


class LimitedLog:
    """Warnings of one kind; those that come too soon are counted instead."""

    def __init__(
        self,
        logger: logging.Logger,
        interval_s: float = 1.0,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._logger = logger
        self._interval_s = interval_s
        self._clock_s = clock_s
        self._next_s = -float("inf")
        self._left_out = 0

    def warning(self, text: str) -> None:
        """Log ``text``, or count it if the last line is less than the interval ago."""
        now_s = self._clock_s()
        if now_s < self._next_s:
            self._left_out += 1
            return
        self._next_s = now_s + self._interval_s
        more = f" ({self._left_out} more before it)" if self._left_out else ""
        self._left_out = 0
        self._logger.warning("%s%s", text, more)

    def flush(self) -> None:
        """At the end, log how many were left out since the last line."""
        if self._left_out:
            self._logger.warning("%d more of the same were not logged", self._left_out)
            self._left_out = 0
