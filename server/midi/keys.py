"""Notes and program changes that no mapping uses: keys play slices, programs recall presets."""

from __future__ import annotations

from collections.abc import Sequence

from server.controls.addresses import KEYS, KEYS_LATCH, KEYS_OFF, NOTE_KEYS
from server.controls.desk import Desk
from server.controls.events import PlayNote, RecallProgram
from server.controls.feature import Feature
from server.midi.commands import MidiCommands
from server.midi.decode.moves import Move


class Keys(Feature):
    """Plays the keys and programs that no mapping uses; every move goes on to the mappings."""

    def __init__(self, desk: Desk, mappings: MidiCommands) -> None:
        self._desk = desk
        self._mappings = mappings

    def take(self, moves: Sequence[Move]) -> None:
        """Carry out what moved, in order."""
        for move in moves:
            event = self._played(move)
            if event is not None and not self._mappings.is_mapped(move.knob):
                self.dispatcher((event,))
            self._mappings.take([move])

    def _played(self, move: Move) -> PlayNote | RecallProgram | None:
        """What a move is without a mapping."""
        match move.knob.kind:
            case "program":
                return RecallProgram(move.value)
            case "velocity":
                return self._key(move.knob.number, move.value)
        return None

    def _key(self, key: int, velocity: int) -> PlayNote | None:
        """A key as ``/note/keys`` has it."""
        state = self._desk.snapshot()
        mode = KEYS[int(state.value(NOTE_KEYS))]
        if mode == KEYS_OFF:
            return None if velocity else PlayNote(key, 0)  # it may have been pressed before
        if mode == KEYS_LATCH:
            is_again = state.note.is_held and state.note.key == key
            return PlayNote(key, 0 if is_again else velocity) if velocity else None
        return PlayNote(key, velocity)
