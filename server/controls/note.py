"""The note that plays one of the deck's slices: the last key that was pressed.

    key   36 (C2)  37  ...  51 (D#3)  52  ...        as pads are numbered; each 16 keys again,
    slice 0        1   ...  15        0   ...        so that every key plays one

One note at a time, as one playhead has it: a key that is pressed ends the one before, and letting
go of that one then ends nothing. Velocity is level, 40 log10(velocity / 127) dB, as General MIDI
recommends for its sound generators (DLS Level 1, "velocity to attenuation").
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from server.controls.addresses import FIRST_KEY, SLICES
from server.controls.events import PlayNote


@dataclass(frozen=True)
class Note:
    """The note that was played last; ``number`` counts all that were."""

    key: int = FIRST_KEY
    velocity: int = 0
    is_held: bool = False
    number: int = 0

    @property
    def slice(self) -> int:
        """Which part of the deck it is, 0..15.

        >>> [Note(key).slice for key in (36, 51, 52, 35)]
        [0, 15, 0, 15]
        """
        return (self.key - FIRST_KEY) % SLICES

    @property
    def gain(self) -> float:
        """Its level, 0..1.

        >>> Note(velocity=127).gain, round(Note(velocity=64).gain, 3)
        (1.0, 0.254)
        """
        return (self.velocity / 127) ** 2

    def after(self, event: PlayNote) -> Note:
        """What ``event`` makes of it."""
        if event.velocity:
            return Note(event.key, event.velocity, True, self.number + 1)
        return self.released() if event.key == self.key else self

    def released(self) -> Note:
        """No longer held."""
        return replace(self, is_held=False)


NO_NOTE = Note()
"""Before any was played."""
