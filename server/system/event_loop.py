"""The event loop as parts of a session use it: created before it runs, called from any thread."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable


class EventLoop:
    """Runs calls in the loop's thread, once ``begin`` was called there."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None

    def begin(self) -> asyncio.AbstractEventLoop:
        """Use the running loop from now on; return it."""
        self._loop = asyncio.get_running_loop()
        return self._loop

    def soon(self, call: Callable[[], None]) -> None:
        """Run ``call`` in the loop's thread; from any thread."""
        assert self._loop is not None  # threads are started while it runs
        with contextlib.suppress(RuntimeError):  # the loop has ended before the thread
            self._loop.call_soon_threadsafe(call)

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        """Run ``call`` after ``seconds``; from the loop's thread."""
        assert self._loop is not None  # events come while it runs
        self._loop.call_later(seconds, call)
