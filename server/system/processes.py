"""Signals that end the program, and ending child processes."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess


@contextmanager
def signals_call(end: Callable[[], None], loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """Call ``end`` in the event loop on Ctrl-C and SIGTERM."""
    previous = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in previous:
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(end))
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def end_process(process: BaseProcess, pipe: Connection) -> None:
    """End a process that serves ``pipe``: by closing the pipe, else by force."""
    with suppress(OSError):
        pipe.close()
    process.join(timeout=1.0)
    if process.is_alive():
        process.kill()
        process.join()
