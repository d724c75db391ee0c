"""Keys and program changes without a mapping: keys play slices of the deck, programs presets."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from server.controls.addresses import KEYS, KEYS_LATCH, KEYS_OFF, NOTE_KEYS
from server.controls.desk import Desk
from server.controls.events import EventSink, PlayNote, RecallProgram
from server.midi.decode.moves import Knob, Move


class Keys:
    """Passes moves to ``on_moves``, and plays those that ``is_mapped`` does not claim."""

    def __init__(
        self,
        desk: Desk,
        on_events: EventSink,
        on_moves: Callable[[Sequence[Move]], None],
        is_mapped: Callable[[Knob], bool] = lambda knob: False,
    ) -> None:
        self._desk = desk
        self._on_events = on_events
        self._on_moves = on_moves
        self._is_mapped = is_mapped

    def take(self, moves: Sequence[Move]) -> None:
        """Carry out ``moves``, in order."""
        for move in moves:
            event = self._event_of(move)
            if event is not None and not self._is_mapped(move.knob):
                self._on_events((event,))
            self._on_moves([move])

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
