"""All mappings of an instrument: those the user has learned, and the default ones.

A knob that was learned for any control loses its default mapping.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from server.controls.control import ControlTable
from server.midi.decode.moves import Knob
from server.midi.mappings.mapping import KnobPattern, MidiMapping


@dataclass(frozen=True)
class MappingTable:
    """The mappings; ``disabled`` are the addresses whose default mapping was forgotten."""

    learned: tuple[MidiMapping, ...] = ()
    disabled: tuple[str, ...] = ()
    defaults: tuple[MidiMapping, ...] = ()

    def with_defaults(self, controls: ControlTable) -> MappingTable:
        """Return the table with the default mappings of ``controls``."""
        return replace(self, defaults=default_mappings(controls))

    def of_knob(self, knob: Knob) -> tuple[MidiMapping, ...]:
        """Return the mappings of ``knob``, whether or not the model has their controls."""
        key = (knob.kind, knob.number)
        learned = _matching(self._learned_by_knob.get(key, ()), knob)
        return learned or _matching(self._defaults_by_knob.get(key, ()), knob)

    def of_address(self, address: str) -> tuple[MidiMapping, ...]:
        """Return the mappings that move the control at ``address``."""
        return tuple(mapping for mapping in self.mappings if mapping.address == address)

    @cached_property
    def mappings(self) -> tuple[MidiMapping, ...]:
        """The learned mappings, then the default ones that are not disabled."""
        return (*self.learned, *self._enabled_defaults)

    def with_learned(self, mapping: MidiMapping) -> MappingTable:
        """Return the table with ``mapping`` in place of one of the same knob and control."""
        same = (mapping.address, mapping.pattern)
        kept = tuple(one for one in self.learned if (one.address, one.pattern) != same)
        return replace(self, learned=(*kept, mapping))

    def with_changed(self, old: MidiMapping, new: MidiMapping) -> MappingTable:
        """Return the table with ``new`` in place of ``old``; a changed default becomes learned."""
        if old not in self.learned:
            return self.with_learned(new)
        return replace(self, learned=tuple(new if one == old else one for one in self.learned))

    def without(self, address: str) -> MappingTable:
        """Return the table without what was learned for ``address``, else without its default."""
        kept = tuple(mapping for mapping in self.learned if mapping.address != address)
        if len(kept) < len(self.learned):
            return replace(self, learned=kept)
        return replace(self, disabled=(*self.disabled, address))

    @property
    def _enabled_defaults(self) -> tuple[MidiMapping, ...]:
        return tuple(one for one in self.defaults if one.address not in self.disabled)

    @cached_property
    def _learned_by_knob(self) -> dict[tuple[str, int], list[MidiMapping]]:
        return _by_knob(self.learned)

    @cached_property
    def _defaults_by_knob(self) -> dict[tuple[str, int], list[MidiMapping]]:
        return _by_knob(self._enabled_defaults)


def default_mappings(controls: ControlTable) -> tuple[MidiMapping, ...]:
    """Return the default mappings of ``controls``: CCs and pitch bend, any port and channel."""
    ccs = (
        MidiMapping(control.address, KnobPattern(None, None, "cc", number))
        for number, control in controls.midi_ccs.items()
    )
    bends = (
        with_default_range(MidiMapping(control.address, KnobPattern(None, None, "bend")), controls)
        for control in controls.midi_bent
    )
    return (*ccs, *bends)


def with_default_range(mapping: MidiMapping, controls: ControlTable) -> MidiMapping:
    """Return ``mapping`` with the range and curve that it has unless set otherwise.

    A pitch bend wheel has the control's range for wheels, other knobs the whole range; equal turns
    are equal ratios for a control in Hz.
    """
    control = controls.controls[mapping.address]
    if control.unit == "Hz":
        mapping = replace(mapping, curve="exponential")
    if mapping.pattern.kind == "bend" and control.midi_bend is not None:
        low, high = control.midi_bend
        mapping = replace(mapping, low=low, high=high)
    return mapping


def _by_knob(mappings: Iterable[MidiMapping]) -> dict[tuple[str, int], list[MidiMapping]]:
    found: dict[tuple[str, int], list[MidiMapping]] = {}
    for mapping in mappings:
        found.setdefault((mapping.pattern.kind, mapping.pattern.number), []).append(mapping)
    return found


def _matching(mappings: Iterable[MidiMapping], knob: Knob) -> tuple[MidiMapping, ...]:
    return tuple(mapping for mapping in mappings if mapping.pattern.matches(knob))
