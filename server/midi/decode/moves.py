"""Moves of knobs: the result of decoding MIDI (``messages``), and the input of mappings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SEVEN_BITS = 127
FOURTEEN_BITS = 16383
BEND_CENTRE = 8192

Kind = Literal["cc", "nrpn", "rpn", "bend", "pressure", "poly", "velocity", "program"]


@dataclass(frozen=True)
class Knob:
    """Anything that can be moved at one controller: a knob, fader, wheel, key, pad or button.

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
    """A knob was moved to ``value``, 0 to ``largest`` (127, or 16383 if it has an LSB).

    ``steps`` is not 0 if the controller only said by how many steps it was turned, each of them
    1/128 of the range (data increment and decrement); ``value`` then counts on from the last value
    that it sent, or from 0.
    """

    knob: Knob
    value: int
    largest: int
    steps: int = 0

    @property
    def position(self) -> float:
        """0..1, both ends exact."""
        return self.value / self.largest
