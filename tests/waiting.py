"""Waiting by polling, so that tests need not sleep for a fixed time."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE_S = 60.0
INTERVAL_S = 0.01


def until(reached: Callable[[], bool], within_s: float = PATIENCE_S) -> float:
    """Wait until ``reached()`` and return how long it took, in s.

    Raises:
        AssertionError: it was not reached within ``within_s`` seconds.
    """
    began_s = time.monotonic()
    while not reached():
        assert time.monotonic() < began_s + within_s, f"not reached within {within_s:g} s"
        time.sleep(INTERVAL_S)
    return time.monotonic() - began_s
