"""The error of a recording that cannot be used."""

from __future__ import annotations

REASONS = ("missing", "empty", "corrupt", "not finite", "too short", "silent", "no room")
"""Every ``AudioError.reason``."""


class AudioError(ValueError):
    """A recording that cannot be used; ``reason`` is one of ``REASONS``."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason

    def __reduce__(self) -> tuple[type[AudioError], tuple[str, str]]:
        # By default, an exception with two arguments cannot be unpickled from a worker process.
        return type(self), (self.reason, str(self))
