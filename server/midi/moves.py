"""What moved at a controller: what decoding makes of bytes (``messages``) and maps take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["cc", "nrpn", "rpn", "bend", "pressure", "poly", "velocity"]


@dataclass(frozen=True)
class Knob:
    """One thing that can be moved at one controller.

    ``channel`` is 0..15; ``number`` that of the control change, of the parameter, or the key.
    """

    port: str
    channel: int
    kind: Kind
    number: int = 0


@dataclass(frozen=True)
class Move:
    """A knob was moved to ``value``, 0 to ``largest`` (127, or 16383 where it has two halves)."""

    knob: Knob
    value: int
    largest: int

    @property
    def position(self) -> float:
        """0..1, both ends exact."""
        return self.value / self.largest
