"""Interpreter settings for a thread that must not be late; standard library only."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

SWITCH_INTERVAL_S = 0.0005
"""The default of 5 ms is longer than a sound card's block."""


@contextmanager
def undisturbed() -> Iterator[None]:
    """Keep other threads' turns short, and long-lived objects out of garbage collection."""
    interval_s = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        sys.setswitchinterval(interval_s)
