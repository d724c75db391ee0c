"""Controllers are told where their controls are: LEDs and motor faders follow.

    every 20 ms:   desk -> the value of each learned knob's control, if it does not know it -> send

Only knobs that were learned, from a port that has a way back: who was never touched may be a synth.
A knob knows the value that it gave its control itself, so it is not told that again, and one in
somebody's hand is not talked to before it rests. What comes back as it was sent is an echo, of a
loop in the cables or of the controller itself, and no move. An endless encoder does not know where
it is and is told each time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from server.controls.desk import Desk, Snapshot
from server.midi.decode.moves import FOURTEEN_BITS, SEVEN_BITS, Kind, Knob, Move
from server.midi.mappings.active_mappings import ActiveMappings
from server.midi.mappings.mapping import MidiMap, place_of
from server.midi.mappings.mapping_table import MappingTable
from server.system.callbacks import Later

INTERVAL_S = 0.02
REST_S = 0.3
"""Without a move a knob is in nobody's hand."""
ECHO_S = 0.5
"""As long as what was sent may take to come back."""

Send = Callable[[str, Sequence[int]], None]

_TOLD_KINDS: tuple[Kind, ...] = ("cc", "nrpn", "bend", "velocity")


@dataclass
class _Known:
    """What a knob knows: its control's ``value`` and the place it shows (``raw``); None: unknown.

    ``sent`` are the upper seven bits of what was sent, with the time.
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
        maps: ActiveMappings,
        send: Send,
        later: Later,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._desk = desk
        self._maps = maps
        self._send = send
        self._later = later
        self._clock_s = clock_s
        self._known: dict[Knob, _Known] = {}
        self._book = MappingTable()
        self._told: dict[Knob, MidiMap] = {}
        self._seen: Snapshot | None = None

    def start(self) -> None:
        """Begin to tell, and never end."""
        self._tell()
        self._later(INTERVAL_S, self.start)

    def is_echo(self, move: Move) -> bool:
        """Whether ``move`` is what was sent there and came back; each comes back once."""
        known = self._known.get(move.knob)
        if known is None or not known.sent:
            return False
        since_s = self._clock_s() - ECHO_S
        known.sent = [one for one in known.sent if one[0] >= since_s]
        place = move.value if move.largest == SEVEN_BITS else move.value >> 7
        echoed = next((one for one in known.sent if one[1] == place), None)
        if echoed is not None:
            known.sent.remove(echoed)
        return echoed is not None

    def moved(self, move: Move) -> None:
        """A knob has moved, and the mappings have taken it."""
        one = self._those_told().get(move.knob)
        if one is None or one.relative is not None or move.steps:
            return
        known = self._known.setdefault(move.knob, _Known())
        known.value = self._maps.gave(one, move.knob)
        known.raw = move.value
        known.moved_s = self._clock_s()
        known.sent.clear()  # a hand, which may go there too
        self._seen = None

    def forget(self, ports: Iterable[str]) -> None:
        """These came back, and know nothing."""
        for knob in [knob for knob in self._known if knob.port in ports]:
            del self._known[knob]
        self._seen = None

    def _those_told(self) -> dict[Knob, MidiMap]:
        if self._book is not self._maps.book:
            self._book = self._maps.book
            self._told = _told(self._book)
            self._known = {knob: k for knob, k in self._known.items() if knob in self._told}
            self._seen = None
        return self._told

    def _tell(self) -> None:
        told, state = self._those_told(), self._desk.snapshot()
        if state is self._seen:
            return
        resting = [self._tell_one(knob, one, state) for knob, one in told.items()]
        self._seen = state if all(resting) else None

    def _tell_one(self, knob: Knob, one: MidiMap, state: Snapshot) -> bool:
        """Tell what ``knob`` does not know; False: not yet, somebody moves it."""
        if one.address not in state.table.slots:
            return True
        value, now_s = state.value(one.address), self._clock_s()
        known = self._known.setdefault(knob, _Known())
        if value == known.value:
            return True
        if now_s - known.moved_s < REST_S:
            return False
        place = place_of(one, state.table.controls[one.address], value)
        known.value = value
        self._show(
            knob, one, known, round(place * (SEVEN_BITS if one.bits == 7 else FOURTEEN_BITS))
        )
        return True

    def _show(self, knob: Knob, one: MidiMap, known: _Known, raw: int) -> None:
        if raw == known.raw:
            return
        known.raw = raw
        halves = 2 if one.bits == 14 and knob.kind != "bend" else 1
        known.sent += [(self._clock_s(), raw if one.bits == 7 else raw >> 7)] * halves
        for message in messages_of(knob, raw, one.bits):
            self._send(knob.port, message)


def messages_of(knob: Knob, raw: int, bits: int) -> Sequence[tuple[int, ...]]:
    """The bytes that put ``knob`` to ``raw``, of 7 or 14 bits.

    MIDI 1.0 detailed specification: control change, pitch bend, NRPN by data entry; a pad's light
    is the velocity of its note.
    """
    high, low = (raw >> 7, raw & 127) if bits == 14 else (raw, 0)
    control = 0xB0 | knob.channel
    match knob.kind:
        case "bend":
            return [(0xE0 | knob.channel, low, high)]
        case "velocity":
            return [(0x90 | knob.channel, knob.number, high)]
        case "nrpn":
            number = [(control, 99, knob.number >> 7), (control, 98, knob.number & 127)]
            return [*number, (control, 6, high), *([(control, 38, low)] if bits == 14 else [])]
        case _:
            halves = [(control, knob.number, high), (control, knob.number + 32, low)]
            return halves if bits == 14 else halves[:1]


def _told(book: MappingTable) -> dict[Knob, MidiMap]:
    """Which mapping each knob shows: the first of those that want it."""
    told: dict[Knob, MidiMap] = {}
    for one in book.learned:
        knob = one.knobs.one
        if knob is not None and one.feedback and knob.kind in _TOLD_KINDS:
            told.setdefault(knob, one)
    return told
