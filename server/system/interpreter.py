"""What a thread that must not be late asks of the interpreter; standard library only."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

SWITCH_INTERVAL_S = 0.0005
"""The interpreter's own 5 ms are longer than a sound card's block."""


@contextmanager
def undisturbed() -> Iterator[None]:
    """No long turns of other threads, no collecting of what stays."""
    interval_s = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        sys.setswitchinterval(interval_s)
