"""Types of callbacks that parts of a live session receive."""

from __future__ import annotations

from collections.abc import Callable

Soon = Callable[[Callable[[], None]], None]
"""Runs a call in the event loop's thread, from any thread."""

Later = Callable[[float, Callable[[], None]], object]
"""Runs a call in the event loop's thread after some seconds; used in that thread."""

Then = Callable[[str | None], None]
"""Called when something is done: with None, or with the reason why it failed, in one line."""
