"""Values in one-line messages."""

from __future__ import annotations


def shown(value: object) -> str:
    """``value`` for a one-line message: short, and without what could upset a terminal.

    >>> shown("two\\nlines"), shown(0.25), len(shown("a" * 1000))
    ("'two\\\\nlines'", '0.25', 43)
    """
    if isinstance(value, str):
        short = value if len(value) <= 60 else f"{value[:40]}..."
        return short if short.isascii() and short.isprintable() and short else ascii(short)
    if isinstance(value, int | float | None):
        return f"{value:.9g}" if isinstance(value, float) else str(value)
    return type(value).__name__
