"""The note that plays one of the deck's slices: the last key pressed.

    key   36 (C2)  37  ...  51 (D#3)  52  ...        as pads are numbered; repeats every 16 keys,
    slice 0        1   ...  15        0   ...        so that every key plays one

Monophonic, since there is one playhead: a new key ends the previous note, whose release then has no
effect. Velocity is level, 40 log10(velocity / 127) dB, as General MIDI recommends for sound
generators (DLS Level 1, "velocity to attenuation").
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from server.controls.addresses import FIRST_KEY, SLICES
from server.controls.events import PlayNote


@dataclass(frozen=True)
class Note:
    """The note played last; ``number`` counts all notes."""

    key: int = FIRST_KEY
    velocity: int = 0
    is_held: bool = False
    number: int = 0

    @property
    def slice(self) -> int:
        """The part of the deck that it plays, 0..15.

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
        """Return the note after ``event``."""
        if event.velocity:
            return Note(event.key, event.velocity, True, self.number + 1)
        return self.released() if event.key == self.key else self

    def released(self) -> Note:
        """Return it released."""
        return replace(self, is_held=False)


NO_NOTE = Note()
"""The state before any note was played."""
