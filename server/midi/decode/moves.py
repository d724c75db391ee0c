"""What moved at a controller: what decoding makes of bytes (``messages``) and maps take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SEVEN_BITS = 127
FOURTEEN_BITS = 16383
BEND_CENTRE = 8192

Kind = Literal["cc", "nrpn", "rpn", "bend", "pressure", "poly", "velocity", "program"]


@dataclass(frozen=True)
class Knob:
    """One thing that can be moved at one controller.

    ``channel`` is 0..15; ``number`` that of the control change, of the parameter, or the key. In an
    MPE zone the channel is the zone's master channel, whichever note is moved. A key goes to its
    ``velocity`` when it is pressed and to 0 when it is released; ``program`` is program change.
    """

    port: str
    channel: int
    kind: Kind
    number: int = 0


@dataclass(frozen=True)
class Move:
    """A knob was moved to ``value``, 0 to ``largest`` (127, or 16383 where it has two halves).

    ``steps`` is not 0 where the controller said only that it was turned by so many, each of them
    1/128 of the range (data increment and decrement); ``value`` then counts on from what it said
    last, and from 0 where it said nothing.
    """

    knob: Knob
    value: int
    largest: int
    steps: int = 0

    @property
    def position(self) -> float:
        """0..1, both ends exact."""
        return self.value / self.largest
