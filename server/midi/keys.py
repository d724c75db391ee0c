"""What no mapping has to say of: programs, which are presets."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from server.controls.events import Event, EventSink, RecallProgram
from server.midi.moves import Knob, Move


class Keys:
    """Hands moves to ``maps``, and plays what ``is_mapped`` says that no mapping has."""

    def __init__(
        self,
        on_events: EventSink,
        maps: Callable[[Sequence[Move]], None],
        is_mapped: Callable[[Knob], bool] = lambda knob: False,
    ) -> None:
        self._on_events = on_events
        self._maps = maps
        self._is_mapped = is_mapped

    def take(self, moves: Sequence[Move]) -> None:
        """Carry out what moved, in order."""
        for move in moves:
            event = played(move)
            if event is not None and not self._is_mapped(move.knob):
                self._on_events((event,))
            self._maps([move])


def played(move: Move) -> Event | None:
    """What a move is without a mapping."""
    if move.knob.kind == "program":
        return RecallProgram(move.value)
    return None
