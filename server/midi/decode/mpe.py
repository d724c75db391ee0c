"""MPE: controllers that send each note on its own channel, to bend and press notes separately.

    lower zone    master channel 1: messages for all notes
                  member channels 2, 3, ...: a note each, with its own bend, CC74 and pressure

As specified in "MIDI Polyphonic Expression", M1-100-UM v1.1. RPN 6 on channel 1 sets the number of
members, and 0 ends the zone (section 2.1). RPN 6 on channel 16 sets up the upper zone, which is not
played here, but takes its channels from the lower one. Values of a member channel are kept while no
note sounds there (3.3). This instrument plays one note at a time, the last one held; the value for
all notes is added to that note's (2.4 for bend, 2.5 and 2.6 leave open how). When the last note is
released, bend and pressure return to the value for all notes (3.3), and CC74 stays. Bend is no
pitch here, so its range (RPN 0, section 2.4) changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from server.midi.decode.moves import FOURTEEN_BITS, SEVEN_BITS

MASTER, UPPER_MASTER = 0, 15
MAX_MEMBERS = 15
CONFIGURATION = 6
"""The registered parameter that sets up a zone."""
BEND_RANGE = 0
"""The registered parameter that sets how far a bend reaches, in semitones."""
TIMBRE = 74
"""The control change that each note has separately."""

Dimension = Literal["bend", "timbre", "pressure"]

RESTS: Mapping[Dimension, int] = {"bend": 8192, "timbre": 64, "pressure": 0}
"""The value of each before any message."""
LARGEST: Mapping[Dimension, int] = {
    "bend": FOURTEEN_BITS,
    "timbre": SEVEN_BITS,
    "pressure": SEVEN_BITS,
}
_SPRINGS: tuple[Dimension, ...] = ("bend", "pressure")

Change = tuple[Dimension, int]
"""A dimension of the zone as a whole, and its new value."""


@dataclass(frozen=True)
class Zone:
    """The lower zone of one port; without ``members`` there is none.

    ``channel_values`` are the last values of each channel, ``held`` the channel and key of each
    held note, and ``zone_values`` the last values of the zone as a whole.
    """

    members: int = 0
    channel_values: Mapping[tuple[int, Dimension], int] = field(default_factory=dict)
    held: tuple[tuple[int, int], ...] = ()
    zone_values: Mapping[Dimension, int] = field(default_factory=lambda: dict(RESTS))

    def has(self, channel: int) -> bool:
        """Return whether ``channel`` belongs to the zone."""
        return self.members > 0 and channel <= self.members

    def configured(self, channel: int, members: int) -> tuple[Zone, list[Change]]:
        """Return the zone after a configuration message; an impossible one changes nothing."""
        if channel == MASTER and members <= MAX_MEMBERS:
            return Zone(members, zone_values=self.zone_values)._settled()
        if channel == UPPER_MASTER and 0 < members <= MAX_MEMBERS:
            left = max(UPPER_MASTER - 1 - members, 0)
            return replace(self, members=min(self.members, left)), []
        return self, []

    def moved(self, channel: int, dimension: Dimension, value: int) -> tuple[Zone, list[Change]]:
        """Return the zone after a move on one of its channels, and what changes for the whole."""
        values = {**self.channel_values, (channel, dimension): value}
        zone = replace(self, channel_values=values)
        return zone._settled(dimension if channel == MASTER else None)

    def pressed(self, channel: int, key: int) -> tuple[Zone, list[Change]]:
        """Return the zone after a note on."""
        return self._holding(*self._without(channel, key), (channel, key))

    def released(self, channel: int, key: int) -> tuple[Zone, list[Change]]:
        """Return the zone after a note off."""
        return self._holding(*self._without(channel, key))

    def _without(self, channel: int, key: int) -> Iterator[tuple[int, int]]:
        return (note for note in self.held if note != (channel, key))

    def _holding(self, *held: tuple[int, int]) -> tuple[Zone, list[Change]]:
        return replace(self, held=held)._settled()

    def _settled(self, for_all: Dimension | None = None) -> tuple[Zone, list[Change]]:
        """Update the values of the whole, after ``for_all`` moved on the master channel."""
        alive = RESTS if self.held else {*_SPRINGS, for_all}
        whole = {one: self._whole(one) for one in RESTS if one in alive}
        changes = [(one, value) for one, value in whole.items() if value != self.zone_values[one]]
        return replace(self, zone_values={**self.zone_values, **whole}), changes

    def _whole(self, dimension: Dimension) -> int:
        """Return the value for all notes plus that of the last held note."""
        rest = RESTS[dimension]
        value = self.channel_values.get((MASTER, dimension), rest)
        if self.held and self.held[-1][0] != MASTER:
            value += self.channel_values.get((self.held[-1][0], dimension), rest) - rest
        return min(max(value, 0), LARGEST[dimension])
