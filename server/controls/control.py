"""The table of controls and its rows.

The rows are in ``server.controls.rows``, and put together in ``server.controls.table``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from server.controls import events


class ControlError(ValueError):
    """A table of controls that contradicts itself or cannot be built."""


@dataclass(frozen=True)
class Control:
    """One row: a control, or a family of them.

    ``types`` are OSC tags, one per argument (``f`` number, ``i`` whole number, ``s`` text,
    ``v`` number or text). With ``repeats`` the one type stands for any number of arguments,
    even none. ``minimum`` and ``maximum`` apply to every argument; ``also`` are values beyond
    them with a special meaning. ``smoothing_s`` is the time constant with which the engine
    follows a new value; 0 jumps. ``member_notes`` are what to say of each member besides.
    ``midi_ccs`` are the control changes that move it by default, ``moves`` the addresses of the
    values that it moves; for a family both have one per member. With ``takes_all`` a list must
    be complete; a command that ``asks`` may be given its first arguments alone. ``midi_bend``
    are the values with the pitch bend wheel full down and full up; its centre is exactly the
    default.

    A value with ``choices`` is one of these words, or its number; the vector holds the number.
    ``sources`` gives for each of ``moves`` the argument it takes, where that is not the one in its
    own place; ``resets`` are addresses that go back to their default. ``in_presets`` is False for
    values that belong to the moment, such as the position, or to the stage, such as the level.
    """

    name: str
    address: str
    types: str
    description: str
    minimum: float | None = None
    maximum: float | None = None
    also: tuple[float, ...] = ()
    unit: str = ""
    default: float = 0.0
    smoothing_s: float = 0.0
    midi: bool = False
    midi_ccs: tuple[int, ...] = ()
    members: tuple[str, ...] = ()
    member_notes: tuple[str, ...] = ()
    member: str | None = None
    repeats: bool = False
    takes_all: bool = False
    asks: bool = False
    choices: tuple[str, ...] = ()
    in_presets: bool = True
    sources: tuple[int, ...] = ()
    resets: tuple[str, ...] = ()
    midi_bend: tuple[float, float] | None = None
    moves: tuple[str, ...] = ()
    command: type[events.Event] | None = None

    def __post_init__(self) -> None:
        if ("{}" in self.address) != bool(self.members):
            raise ControlError(f"{self.address}: '{{}}' and members go together")
        if self.midi and (self.minimum is None or self.maximum is None):
            raise ControlError(f"{self.address}: a MIDI target needs a minimum and a maximum")
        if self.midi_ccs and not self.midi:
            raise ControlError(f"{self.address}: has default control changes but midi is off")
        if self.is_value and not self.types:
            raise ControlError(f"{self.address}: a value needs at least one argument type")

    @property
    def is_value(self) -> bool:
        """True if it has a present value that can be queried."""
        return self.command is None

    @property
    def is_fan_out(self) -> bool:
        """True if one value goes to everything it moves."""
        return bool(self.moves) and len(self.types) == 1

    @property
    def takes_fewer(self) -> bool:
        """True if a shorter list sets only its first values, as in ``/latent``."""
        return bool(self.moves) and len(self.types) > 1 and not self.takes_all

    def value_at(self, position: float) -> float:
        """Return the value at ``position`` 0..1 of the range; exact at both ends, ``i`` rounded."""
        assert self.minimum is not None and self.maximum is not None
        value = self.minimum * (1 - position) + self.maximum * position
        return value if self.types == "f" else float(round(value))

    def expanded(self) -> tuple[Control, ...]:
        """Return the controls of a family; a single control is returned itself."""
        if not self.members:
            return (self,)
        return tuple(self._of_family(index, member) for index, member in enumerate(self.members))

    def _of_family(self, index: int, member: str) -> Control:
        return replace(
            self,
            name=f"{self.name} {member}",
            address=self.address.replace("{}", member),
            midi_ccs=self.midi_ccs[index : index + 1],
            moves=self.moves[index : index + 1],
            members=(),
            member_notes=(),
            member=member,
            description=f"{self.description}{self._note(index)}",
        )

    def _note(self, index: int) -> str:
        return f". {self.member_notes[index]}" if self.member_notes else ""


@dataclass(frozen=True)
class ControlTable:
    """The rows of one instrument, and what is derived from them."""

    rows: tuple[Control, ...]

    def __post_init__(self) -> None:
        if len(self.controls) != sum(len(row.expanded()) for row in self.rows):
            raise ControlError("two controls have one address")
        for control in self.controls.values():
            moved = (*control.moves, *control.resets)
            if unknown := [a for a in moved if a not in self._own_slots]:
                raise ControlError(f"{control.address} moves {unknown[0]}, which is not a value")
        ccs = [cc for control in self.controls.values() for cc in control.midi_ccs]
        if len(ccs) != len(set(ccs)):
            raise ControlError("two controls have one default control change")

    @cached_property
    def controls(self) -> Mapping[str, Control]:
        """All controls by full address, families expanded, in the table's order."""
        return {control.address: control for row in self.rows for control in row.expanded()}

    @cached_property
    def values(self) -> tuple[Control, ...]:
        """The controls that own places in the vector of values, in its order."""
        return tuple(c for c in self.controls.values() if c.is_value and not c.moves)

    @cached_property
    def in_presets(self) -> tuple[Control, ...]:
        """The values that a preset holds."""
        return tuple(control for control in self.values if control.in_presets)

    @cached_property
    def _own_slots(self) -> Mapping[str, tuple[int, ...]]:
        slots: dict[str, tuple[int, ...]] = {}
        start = 0
        for control in self.values:
            end = start + len(control.types)
            slots[control.address] = tuple(range(start, end))
            start = end
        return slots

    @cached_property
    def slots(self) -> Mapping[str, tuple[int, ...]]:
        """Indices into the vector of values, by address; a shortcut has those that it moves."""
        own = self._own_slots
        shortcuts = {
            control.address: tuple(slot for address in control.moves for slot in own[address])
            for control in self.controls.values()
            if control.moves
        }
        return {**own, **shortcuts}

    def address_of(self, event: events.Event) -> str:
        """The address of the control that ``event`` came from."""
        if isinstance(event, events.SetControl):
            return event.address
        return next(a for a, one in self.controls.items() if one.command is type(event))

    def answering(self, address: str) -> tuple[int, ...]:
        """Return the slots whose values answer a query of ``address``, one per argument.

        Raises:
            KeyError: no control there has a value.
        """
        control, slots = self.controls[address], self.slots[address]
        if control.sources:
            return tuple(slots[control.sources.index(n)] for n in range(len(control.types)))
        return slots[: len(control.types)]

    @cached_property
    def defaults(self) -> tuple[float, ...]:
        """The vector of default values."""
        return tuple(control.default for control in self.values for _ in control.types)

    @cached_property
    def smoothing_s(self) -> tuple[float, ...]:
        """The time constant of the glide, in seconds, of each place in the vector of values."""
        return tuple(control.smoothing_s for control in self.values for _ in control.types)

    @cached_property
    def midi_bent(self) -> tuple[Control, ...]:
        """The controls that the pitch bend wheel moves."""
        return tuple(control for control in self.controls.values() if control.midi_bend)

    @cached_property
    def midi_ccs(self) -> Mapping[int, Control]:
        """The control that each control change moves by default."""
        return {cc: control for control in self.controls.values() for cc in control.midi_ccs}
