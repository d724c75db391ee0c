"""The output and sound card settings, as given on the command line and to ``/output``."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

LatencySetting = Literal["low", "high"] | float
"""One of PortAudio's words, or seconds."""

MAX_CHANNELS = 256
MAX_LATENCY_MS = 500.0
RATES_HZ = (8000.0, 384_000.0)


class ChoiceError(ValueError):
    """Text that names no output; the message says what is allowed."""


@dataclass(frozen=True)
class OutputChoice:
    """A kind of output (``server.output.kinds``), with the sound card's name or the file's path."""

    kind: str = "soundcard"
    target: str | None = None

    def __str__(self) -> str:
        return self.kind if self.target is None else f"{self.kind}:{self.target}"


@dataclass(frozen=True)
class CardChoice:
    """A sound card's settings: rate, latency, and the channels (from 1) of main and cue pair."""

    rate_hz: float | None = None
    latency: LatencySetting = "low"
    main: tuple[int, int] = (1, 2)
    cue: tuple[int, int] | None = None

    @property
    def width(self) -> int:
        """The number of channels to open."""
        return max(*self.main, *(self.cue or ()))


def channel_pair(text: str) -> tuple[int, int]:
    """Parse two different channels, counted from 1.

    >>> channel_pair("3,4")
    (3, 4)

    Raises:
        ChoiceError: it is something else.
    """
    numbers = text.split(",")
    channels = [int(n) for n in numbers if n.isascii() and n.isdigit() and len(n) < 5]
    if (
        len(channels) != 2
        or len(numbers) != 2
        or channels[0] == channels[1]
        or not all(1 <= channel <= MAX_CHANNELS for channel in channels)
    ):
        raise ChoiceError(
            f"'{text}' is not a pair of channels; use two different ones of 1 to {MAX_CHANNELS}, "
            "for example 3,4"
        )
    return channels[0], channels[1]


def latency_setting(text: str) -> LatencySetting:
    """Parse ``low``, ``high`` or milliseconds into PortAudio's setting (s).

    >>> latency_setting("10")
    0.01

    Raises:
        ChoiceError: it is something else.
    """
    words: tuple[Literal["low", "high"], ...] = ("low", "high")
    for word in words:
        if text == word:
            return word
    if not 0 < (milliseconds := _number(text)) <= MAX_LATENCY_MS:
        raise ChoiceError(
            f"'{text}' is not a latency; use low, high, or more than 0 and at most "
            f"{MAX_LATENCY_MS:g} ms"
        )
    return milliseconds / 1e3


def rate_hz(text: str) -> float:
    """Parse a sound card's rate.

    Raises:
        ChoiceError: it is no number, or out of range.
    """
    low, high = RATES_HZ
    if not low <= (hertz := _number(text)) <= high:
        raise ChoiceError(f"'{text}' is not a rate; use {low:g} to {high:g} Hz, for example 48000")
    return hertz


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
