"""Feedback to controllers: their LEDs and motor faders follow the controls.

    every 20 ms:   desk -> value of each learned knob's control, if the knob shows another -> send

Only knobs that were learned, on a port that has an output, get feedback: other ports may be synths.
A knob shows the value that it gave its control itself, so that is not sent back, and a knob that is
being turned gets nothing until it rests. A message that comes back as it was sent is an echo, from
a loop in the cabling or the controller itself, and no move. An endless encoder does not know its
position and is sent every change.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from server.controls.desk import Desk, Snapshot
from server.midi.decode.moves import FOURTEEN_BITS, SEVEN_BITS, Kind, Knob, Move
from server.midi.mappings.active_mappings import ActiveMappings
from server.midi.mappings.mapping import MidiMapping, position_of
from server.midi.mappings.mapping_table import MappingTable
from server.system.callbacks import Later

INTERVAL_S = 0.02
REST_S = 0.3
"""A knob that has not moved for this long is at rest."""
ECHO_S = 0.5
"""An echo comes back within this time."""

Send = Callable[[str, Sequence[int]], None]

_KINDS: tuple[Kind, ...] = ("cc", "nrpn", "bend", "velocity")


@dataclass
class _Shown:
    """A knob's feedback: its control's ``value`` and the ``raw`` value of 7 or 14 bits it shows.

    None is unknown. ``sent`` are the MSBs that were sent, each with its time.
    """

    value: float | None = None
    raw: int | None = None
    moved_s: float = -REST_S
    sent: list[tuple[float, int]] = field(default_factory=list)


class Feedback:
    """Used by the thread of the event loop."""

    def __init__(
        self,
        desk: Desk,
        mappings: ActiveMappings,
        send: Send,
        later: Later,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._desk = desk
        self._mappings = mappings
        self._send = send
        self._later = later
        self._clock_s = clock_s
        self._shown: dict[Knob, _Shown] = {}
        self._table = MappingTable()
        self._mapping_of: dict[Knob, MidiMapping] = {}
        self._up_to_date: Snapshot | None = None

    def start(self) -> None:
        """Send changes, now and every ``INTERVAL_S``."""
        self._update()
        self._later(INTERVAL_S, self.start)

    def is_echo(self, move: Move) -> bool:
        """Return whether ``move`` is a message that was sent there; each comes back once."""
        shown = self._shown.get(move.knob)
        if shown is None or not shown.sent:
            return False
        since_s = self._clock_s() - ECHO_S
        shown.sent = [one for one in shown.sent if one[0] >= since_s]
        msb = move.value if move.largest == SEVEN_BITS else move.value >> 7
        echoed = next((one for one in shown.sent if one[1] == msb), None)
        if echoed is not None:
            shown.sent.remove(echoed)
        return echoed is not None

    def moved(self, move: Move) -> None:
        """Note a move of a knob, after the mappings have taken it."""
        mapping = self._mappings_by_knob().get(move.knob)
        if mapping is None or mapping.relative is not None or move.steps:
            return
        shown = self._shown.setdefault(move.knob, _Shown())
        shown.value = self._mappings.last_value(mapping, move.knob)
        shown.raw = move.value
        shown.moved_s = self._clock_s()
        shown.sent.clear()  # the performer may turn the knob there too
        self._up_to_date = None

    def forget(self, ports: Iterable[str]) -> None:
        """Send everything anew to ``ports``, which have come back."""
        for knob in [knob for knob in self._shown if knob.port in ports]:
            del self._shown[knob]
        self._up_to_date = None

    def _mappings_by_knob(self) -> dict[Knob, MidiMapping]:
        if self._table is not self._mappings.table:
            self._table = self._mappings.table
            self._mapping_of = _with_feedback(self._table)
            self._shown = {
                knob: one for knob, one in self._shown.items() if knob in self._mapping_of
            }
            self._up_to_date = None
        return self._mapping_of

    def _update(self) -> None:
        mappings, state = self._mappings_by_knob(), self._desk.snapshot()
        if state is self._up_to_date:
            return
        resting = [self._update_one(knob, mapping, state) for knob, mapping in mappings.items()]
        self._up_to_date = state if all(resting) else None

    def _update_one(self, knob: Knob, mapping: MidiMapping, state: Snapshot) -> bool:
        """Send what ``knob`` does not show; return False if it has to wait, for it is turned."""
        if mapping.address not in state.table.slots:
            return True
        value, now_s = state.value(mapping.address), self._clock_s()
        shown = self._shown.setdefault(knob, _Shown())
        if value == shown.value:
            return True
        if now_s - shown.moved_s < REST_S:
            return False
        position = position_of(mapping, state.table.controls[mapping.address], value)
        shown.value = value
        raw = round(position * (SEVEN_BITS if mapping.bits == 7 else FOURTEEN_BITS))
        self._show(knob, mapping.bits, shown, raw)
        return True

    def _show(self, knob: Knob, bits: int, shown: _Shown, raw: int) -> None:
        if raw == shown.raw:
            return
        shown.raw = raw
        # Both bytes of a pair come back as moves.
        count = 2 if bits == 14 and knob.kind != "bend" else 1
        shown.sent += [(self._clock_s(), raw if bits == 7 else raw >> 7)] * count
        for message in messages_of(knob, raw, bits):
            self._send(knob.port, message)


def messages_of(knob: Knob, raw: int, bits: int) -> Sequence[tuple[int, ...]]:
    """Return the bytes that set ``knob`` to ``raw``, of 7 or 14 bits.

    MIDI 1.0 detailed specification: control change, pitch bend, NRPN by data entry; a pad's light
    is the velocity of its note.
    """
    msb, lsb = (raw >> 7, raw & 127) if bits == 14 else (raw, 0)
    control = 0xB0 | knob.channel
    match knob.kind:
        case "bend":
            return [(0xE0 | knob.channel, lsb, msb)]
        case "velocity":
            return [(0x90 | knob.channel, knob.number, msb)]
        case "nrpn":
            number = [(control, 99, knob.number >> 7), (control, 98, knob.number & 127)]
            return [*number, (control, 6, msb), *([(control, 38, lsb)] if bits == 14 else [])]
        case _:
            pair = [(control, knob.number, msb), (control, knob.number + 32, lsb)]
            return pair if bits == 14 else pair[:1]


def _with_feedback(table: MappingTable) -> dict[Knob, MidiMapping]:
    """Return the mapping that each knob shows: the first learned one with feedback."""
    found: dict[Knob, MidiMapping] = {}
    for mapping in table.learned:
        knob = mapping.pattern.single_knob
        if knob is not None and mapping.feedback and knob.kind in _KINDS:
            found.setdefault(knob, mapping)
    return found
