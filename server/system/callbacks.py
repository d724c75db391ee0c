"""Calls that parts of a live session are given to make."""

from __future__ import annotations

from collections.abc import Callable

Soon = Callable[[Callable[[], None]], None]
"""Makes a call in the event loop's thread, from whichever thread; at once if that is it."""

Later = Callable[[float, Callable[[], None]], object]
"""Makes a call in the event loop's thread in so many seconds; called there."""

Then = Callable[[str | None], None]
"""Is told how it ended: None, or in one line why it failed."""
