"""What no mapping has to say of: keys are slices of the deck, programs are presets."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from server.controls.addresses import KEYS, KEYS_LATCH, KEYS_OFF, NOTE_KEYS
from server.controls.desk import Desk
from server.controls.events import EventSink, PlayNote, RecallProgram
from server.midi.decode.moves import Knob, Move


class Keys:
    """Hands moves to ``maps``, and plays what ``is_mapped`` says that no mapping has."""

    def __init__(
        self,
        desk: Desk,
        on_events: EventSink,
        maps: Callable[[Sequence[Move]], None],
        is_mapped: Callable[[Knob], bool] = lambda knob: False,
    ) -> None:
        self._desk = desk
        self._on_events = on_events
        self._maps = maps
        self._is_mapped = is_mapped

    def take(self, moves: Sequence[Move]) -> None:
        """Carry out what moved, in order."""
        for move in moves:
            event = self._played(move)
            if event is not None and not self._is_mapped(move.knob):
                self._on_events((event,))
            self._maps([move])

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
