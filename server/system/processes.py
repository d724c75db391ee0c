"""Signals that end the program, and the end of processes beside it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess


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


def end_process(process: BaseProcess, pipe: Connection) -> None:
    """End a process that serves ``pipe``: by the pipe's end; where it hangs, by force."""
    with suppress(OSError):
        pipe.close()
    process.join(timeout=1.0)
    if process.is_alive():
        process.kill()
        process.join()
