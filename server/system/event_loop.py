"""The event loop as parts of a session see it: made before it runs, called from any thread."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable


class EventLoop:
    """Makes calls in the loop's thread, once ``begin`` has been called in it."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None

    def begin(self) -> asyncio.AbstractEventLoop:
        """The loop that runs, from now on the one of all calls."""
        self._loop = asyncio.get_running_loop()
        return self._loop

    def soon(self, call: Callable[[], None]) -> None:
        """A ``Soon``: from any thread."""
        assert self._loop is not None  # threads are started while it runs
        with contextlib.suppress(RuntimeError):  # the loop has ended before the thread
            self._loop.call_soon_threadsafe(call)

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        """A ``Later``."""
        assert self._loop is not None  # events come while it runs
        self._loop.call_later(seconds, call)
