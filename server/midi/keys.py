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
    """Plays keys and programs that no mapping uses; passes every move on to the mappings."""

    def __init__(self, desk: Desk, mappings: MidiCommands) -> None:
        self._desk = desk
        self._mappings = mappings

    def take(self, moves: Sequence[Move]) -> None:
        """Carry out ``moves``, in order."""
        for move in moves:
            event = self._event_of(move)
            if event is not None and not self._mappings.is_mapped(move.knob):
                self.dispatcher((event,))
            self._mappings.take([move])

    def _event_of(self, move: Move) -> PlayNote | RecallProgram | None:
        match move.knob.kind:
            case "program":
                return RecallProgram(move.value)
            case "velocity":
                return self._note_of(move.knob.number, move.value)
        return None

    def _note_of(self, key: int, velocity: int) -> PlayNote | None:
        """Return the note of a key, in the mode of ``/note/keys``."""
        state = self._desk.snapshot()
        mode = KEYS[int(state.value(NOTE_KEYS))]
        if mode == KEYS_OFF:
            return None if velocity else PlayNote(key, 0)  # it may have been pressed earlier
        if mode == KEYS_LATCH:
            is_again = state.note.is_held and state.note.key == key
            return PlayNote(key, 0 if is_again else velocity) if velocity else None
        return PlayNote(key, velocity)
