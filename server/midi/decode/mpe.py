"""MPE: controllers that send each note on a channel of its own, to bend and press it alone.

    lower zone    master channel 1: what is for all notes
                  member channels 2, 3, ...: a note each, with its own bend, CC74 and pressure

As "MIDI Polyphonic Expression", M1-100-UM v1.1, has it. RPN 6 on channel 1 says how many members
there are, and 0 ends the zone (section 2.1). One on channel 16 is for the upper zone, which is not
played here, but takes its channels from the lower one. What the members say is kept while no note
sounds there (3.3); this instrument is played by one note at a time, the last one that is held, and
what is for all notes is added to what is for that one (2.4 for bend, 2.5 and 2.6 leave open how).
When the last note is let go, bend and pressure go back to what they are for all (3.3), and CC74
stays. Bend is no pitch here, so its range (RPN 0, section 2.4) changes nothing: each of the two is
a share of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from server.midi.decode.moves import FOURTEEN_BITS, SEVEN_BITS

MASTER, UPPER_MASTER = 0, 15
MOST_MEMBERS = 15
CONFIGURATION = 6
"""The registered parameter that makes a zone."""
BEND_RANGE = 0
"""The registered parameter that says how far a bend reaches, in semitones."""
TIMBRE = 74
"""The control change that is a note's own."""

Dimension = Literal["bend", "timbre", "pressure"]

RESTS: Mapping[Dimension, int] = {"bend": 8192, "timbre": 64, "pressure": 0}
"""What each is before anything was said."""
LARGEST: Mapping[Dimension, int] = {
    "bend": FOURTEEN_BITS,
    "timbre": SEVEN_BITS,
    "pressure": SEVEN_BITS,
}
_SPRINGS: tuple[Dimension, ...] = ("bend", "pressure")

Change = tuple[Dimension, int]
"""What the zone as a whole has moved to."""


@dataclass(frozen=True)
class Zone:
    """The lower zone of one port; without ``members`` there is none.

    ``said`` is what each channel said last, ``held`` the notes that are held, each with its
    channel, and ``told`` what the zone as a whole was last.
    """

    members: int = 0
    said: Mapping[tuple[int, Dimension], int] = field(default_factory=dict)
    held: tuple[tuple[int, int], ...] = ()
    told: Mapping[Dimension, int] = field(default_factory=lambda: dict(RESTS))

    def has(self, channel: int) -> bool:
        """Whether a channel is the zone's."""
        return self.members > 0 and channel <= self.members

    def configured(self, channel: int, members: int) -> tuple[Zone, list[Change]]:
        """After a configuration message; one that no zone understands changes nothing."""
        if channel == MASTER and members <= MOST_MEMBERS:
            return Zone(members, told=self.told)._settled()
        if channel == UPPER_MASTER and 0 < members <= MOST_MEMBERS:
            left = max(UPPER_MASTER - 1 - members, 0)
            return replace(self, members=min(self.members, left)), []
        return self, []

    def moved(self, channel: int, dimension: Dimension, value: int) -> tuple[Zone, list[Change]]:
        """After one of the zone's channels has moved; what that does to the whole."""
        said = {**self.said, (channel, dimension): value}
        return replace(self, said=said)._settled(dimension if channel == MASTER else None)

    def pressed(self, channel: int, key: int) -> tuple[Zone, list[Change]]:
        """After a note began on one of the zone's channels."""
        return self._holding(*self._without(channel, key), (channel, key))

    def released(self, channel: int, key: int) -> tuple[Zone, list[Change]]:
        """After a note ended."""
        return self._holding(*self._without(channel, key))

    def _without(self, channel: int, key: int) -> Iterator[tuple[int, int]]:
        return (note for note in self.held if note != (channel, key))

    def _holding(self, *held: tuple[int, int]) -> tuple[Zone, list[Change]]:
        return replace(self, held=held)._settled()

    def _settled(self, for_all: Dimension | None = None) -> tuple[Zone, list[Change]]:
        """What has changed for the whole, after ``for_all`` was said on the master channel."""
        alive = RESTS if self.held else {*_SPRINGS, for_all}
        whole = {one: self._whole(one) for one in RESTS if one in alive}
        changes = [(one, value) for one, value in whole.items() if value != self.told[one]]
        return replace(self, told={**self.told, **whole}), changes

    def _whole(self, dimension: Dimension) -> int:
        """What is for all, and what is for the last note that is held."""
        rest = RESTS[dimension]
        value = self.said.get((MASTER, dimension), rest)
        if self.held and self.held[-1][0] != MASTER:
            value += self.said.get((self.held[-1][0], dimension), rest) - rest
        return min(max(value, 0), LARGEST[dimension])
