"""How endless encoders say how far they were turned: the four codings that controllers have.

As the manual of Ableton Live names and lists them (chapter "MIDI and Key Remote Control", "Mapping
to Relative MIDI Controllers"), by the value of the control change, slowest to fastest::

    coding           up            down
    signed bit       1 .. 64       65 .. 127
    signed bit 2     65 .. 127     1 .. 64
    bin offset       65 .. 127     63 .. 1
    2's complement   1 .. 64       127 .. 65

A value that is in neither column is no step: 0, and bin offset's 64.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

Coding = Literal["signed bit", "signed bit 2", "bin offset", "2's complement"]


def _signed_bit(raw: int) -> int:
    return raw if raw <= 64 else 64 - raw


def _signed_bit_2(raw: int) -> int:
    return -_signed_bit(raw)


def _bin_offset(raw: int) -> int:
    return raw - 64 if raw else 0


def _twos_complement(raw: int) -> int:
    return raw if raw <= 64 else raw - 128


_STEPS: Mapping[Coding, Callable[[int], int]] = {
    "signed bit": _signed_bit,
    "signed bit 2": _signed_bit_2,
    "bin offset": _bin_offset,
    "2's complement": _twos_complement,
}

CODINGS: tuple[Coding, ...] = tuple(_STEPS)


def steps(coding: Coding, raw: int) -> int:
    """How many steps up (below 0: down) ``raw``, 0..127, means.

    >>> [steps(coding, 65) for coding in CODINGS]
    [-1, 1, 1, -63]
    """
    return _STEPS[coding](raw)
