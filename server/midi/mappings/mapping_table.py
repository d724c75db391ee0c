"""All mappings of an instrument: what was learned, and what knobs move without being taught.

A knob that was learned for anything no longer does what it does by itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from server.controls.control import ControlTable
from server.midi.decode.moves import Knob
from server.midi.mappings.mapping import KnobPattern, MidiMap


@dataclass(frozen=True)
class MappingTable:
    """``learned`` by the user; ``off`` are the addresses whose usual knob was taken from them."""

    learned: tuple[MidiMap, ...] = ()
    off: tuple[str, ...] = ()
    usual: tuple[MidiMap, ...] = ()

    def over(self, table: ControlTable) -> MappingTable:
        """The same, with what ``table`` maps by itself."""
        return replace(self, usual=usual_maps(table))

    def of_knob(self, knob: Knob) -> tuple[MidiMap, ...]:
        """What ``knob`` moves, whether the model has such a control or not."""
        learned = _having(self._learned_by_knob.get((knob.kind, knob.number), ()), knob)
        return learned or _having(self._usual_by_knob.get((knob.kind, knob.number), ()), knob)

    def of_address(self, address: str) -> tuple[MidiMap, ...]:
        """What moves the control at ``address``."""
        return tuple(one for one in self.maps if one.address == address)

    @cached_property
    def maps(self) -> tuple[MidiMap, ...]:
        """What was learned, then what is there by itself and in force for some knob."""
        return (*self.learned, *(one for one in self.usual if one.address not in self.off))

    def taught(self, one: MidiMap) -> MappingTable:
        """With ``one``; it replaces what the same knob was to the same control."""
        kept = tuple(m for m in self.learned if not _are_alike(m, one))
        return replace(self, learned=(*kept, one))

    def changed(self, before: MidiMap, after: MidiMap) -> MappingTable:
        """With ``after`` in the place of ``before``; what was there by itself is learned then."""
        if before not in self.learned:
            return self.taught(after)
        return replace(self, learned=tuple(after if m == before else m for m in self.learned))

    def without(self, address: str) -> MappingTable:
        """Nothing moves ``address`` any more: not what was learned, else not its usual knob."""
        kept = tuple(one for one in self.learned if one.address != address)
        if len(kept) < len(self.learned):
            return replace(self, learned=kept)
        return replace(self, off=(*self.off, address))

    @cached_property
    def _learned_by_knob(self) -> dict[tuple[str, int], list[MidiMap]]:
        return _by_knob(self.learned)

    @cached_property
    def _usual_by_knob(self) -> dict[tuple[str, int], list[MidiMap]]:
        return _by_knob(one for one in self.usual if one.address not in self.off)


def usual_maps(table: ControlTable) -> tuple[MidiMap, ...]:
    """What ``table`` says of control changes and the pitch bend wheel, of any port and channel."""
    turned = (
        MidiMap(control.address, KnobPattern(None, None, "cc", number))
        for number, control in table.midi_ccs.items()
    )
    bent = (
        ranged(MidiMap(control.address, KnobPattern(None, None, "bend")), table)
        for control in table.midi_bent
    )
    return (*turned, *bent)


def ranged(one: MidiMap, table: ControlTable) -> MidiMap:
    """``one`` as it is unless set otherwise: the control's whole range, but that of its wheel
    for a wheel; equal turns are equal ratios for what is in Hz."""
    control = table.controls[one.address]
    if control.unit == "Hz":
        one = replace(one, curve="exponential")
    if one.knobs.kind == "bend" and control.midi_bend is not None:
        low, high = control.midi_bend
        one = replace(one, low=low, high=high)
    return one


def _by_knob(maps: Iterable[MidiMap]) -> dict[tuple[str, int], list[MidiMap]]:
    found: dict[tuple[str, int], list[MidiMap]] = {}
    for one in maps:
        found.setdefault((one.knobs.kind, one.knobs.number), []).append(one)
    return found


def _having(maps: Iterable[MidiMap], knob: Knob) -> tuple[MidiMap, ...]:
    return tuple(one for one in maps if one.knobs.has(knob))


def _are_alike(one: MidiMap, other: MidiMap) -> bool:
    return (one.address, one.knobs) == (other.address, other.knobs)
