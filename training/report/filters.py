"""Filters of the page's templates: figures as text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

NONE, MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"


def number(value: float | None, digits: int = 2, sign: bool = False) -> str:
    """Format a figure with ``digits`` decimals, or a dash for None."""
    if value is None:
        return NONE
    text = f"{value:{'+' if sign else ''}.{digits}f}"
    return text.replace("-", MINUS)


def share(value: float | None) -> str:
    """Format a share in per cent, or a dash for None."""
    return NONE if value is None else f"{number(100 * value, 0)} %"


def counted(count: int, noun: str) -> str:
    """Format a count with its noun: ``1 pair``, ``2 pairs``."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


_BEST: dict[str, Callable[[float], float]] = {
    "lower": lambda value: value,
    "higher": lambda value: -value,
    "nearest 0": abs,
}


def best_method(sound: Mapping[str, Any], metric: str, better: str) -> str | None:
    """The method with the best mean of a metric; None if no method has a mean."""
    means = {method: figures[metric]["mean"] for method, figures in sound.items()}
    known = {method: mean for method, mean in means.items() if mean is not None}
    return min(known, key=lambda method: _BEST[better](known[method]), default=None)


FILTERS: dict[str, Callable[..., Any]] = {
    "number": number,
    "share": share,
    "counted": counted,
    "best_method": best_method,
}
