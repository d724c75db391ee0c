"""What playing asks of the whole process: long turns of nobody, and an end in good order."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from collections.abc import Callable, Iterator
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


@contextmanager
def signals_call(end: Callable[[], None], loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """Ctrl-C and SIGTERM call ``end`` in the event loop."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(end))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
