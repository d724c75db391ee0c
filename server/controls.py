"""The table of controls: everything a hand can move or ask for, each in one place.

From it follow OSC dispatch and MIDI targets (``server.mapping``), the desk's values
(``server.desk``), ``--list-controls`` and the README's table
(``server.control_lists``). To add a control, add a row.

A row may stand for a family: ``{}`` in its address is filled from ``members``. A row is one of

    value      a number (or several) that the desk holds       /level, /latent/3
    shortcut   moves the values named in ``moves``             /interp, /latent
    command    makes an event, holds nothing                   /play, /deck/a/load

The values of all controls lie behind one another in one flat vector; ``ControlTable.slots``
says where, and the engine glides the whole vector at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from server import events

MAX_STYLE_DIMS = 1024
"""More than any bundle has; keeps a broken one from building an endless table."""


class ControlError(ValueError):
    """A table of controls that contradicts itself or cannot be built."""


@dataclass(frozen=True)
class Control:
    """One row: a control, or a family of them.

    ``types`` are OSC tags, one per argument (``f`` number, ``i`` whole number, ``s`` text).
    ``minimum`` and ``maximum`` hold for every argument. ``smoothing_s`` is the time constant
    with which the engine follows a new value; 0 jumps. ``midi_ccs`` are the control changes
    that move it without being taught, for a family one per member.
    """

    name: str
    address: str
    types: str
    description: str
    minimum: float | None = None
    maximum: float | None = None
    unit: str = ""
    default: float = 0.0
    smoothing_s: float = 0.0
    midi: bool = False
    midi_ccs: tuple[int, ...] = ()
    members: tuple[str, ...] = ()
    member: str | None = None
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
        """Whether it has a present value that can be asked for."""
        return self.command is None

    @property
    def is_fan_out(self) -> bool:
        """Whether one value goes to everything it moves."""
        return bool(self.moves) and len(self.types) == 1

    @property
    def takes_fewer(self) -> bool:
        """Whether a shorter list sets only its first values, as ``/latent`` does."""
        return bool(self.moves) and len(self.types) > 1

    def expanded(self) -> tuple[Control, ...]:
        """The controls a family stands for; a single control is itself."""
        if not self.members:
            return (self,)
        return tuple(self._of_family(index, member) for index, member in enumerate(self.members))

    def _of_family(self, index: int, member: str) -> Control:
        return replace(
            self,
            name=f"{self.name} {member}",
            address=self.address.replace("{}", member),
            midi_ccs=self.midi_ccs[index : index + 1],
            members=(),
            member=member,
        )


@dataclass(frozen=True)
class ControlTable:
    """The rows of one instrument and what follows from them."""

    rows: tuple[Control, ...]

    def __post_init__(self) -> None:
        if len(self.controls) != sum(len(row.expanded()) for row in self.rows):
            raise ControlError("two controls have one address")
        for control in self.controls.values():
            if unknown := [a for a in control.moves if a not in self._own_slots]:
                raise ControlError(f"{control.address} moves {unknown[0]}, which is no value")
        ccs = [cc for control in self.controls.values() for cc in control.midi_ccs]
        if len(ccs) != len(set(ccs)):
            raise ControlError("two controls have one default control change")

    @cached_property
    def controls(self) -> Mapping[str, Control]:
        """Every control by its full address, families expanded, in the table's order."""
        return {control.address: control for row in self.rows for control in row.expanded()}

    @cached_property
    def values(self) -> tuple[Control, ...]:
        """The controls that own a place in the vector of values, in its order."""
        return tuple(c for c in self.controls.values() if c.is_value and not c.moves)

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
        """Indices into the vector of values by address; a shortcut's are those it moves."""
        own = self._own_slots
        shortcuts = {
            control.address: tuple(slot for address in control.moves for slot in own[address])
            for control in self.controls.values()
            if control.moves
        }
        return {**own, **shortcuts}

    @cached_property
    def defaults(self) -> tuple[float, ...]:
        """The vector of values of an untouched instrument."""
        return tuple(control.default for control in self.values for _ in control.types)

    @cached_property
    def smoothing_s(self) -> tuple[float, ...]:
        """Time constant of the glide, in seconds, for each place in the vector of values."""
        return tuple(control.smoothing_s for control in self.values for _ in control.types)

    @cached_property
    def midi_ccs(self) -> Mapping[int, Control]:
        """The control that each control change moves by default."""
        return {cc: control for control in self.controls.values() for cc in control.midi_ccs}


def control_table(style_dims: int) -> ControlTable:
    """The controls of an instrument whose bundle has ``style_dims`` (D) style dimensions.

    Raises:
        ControlError: D is not in 1..1024.
    """
    if not 1 <= style_dims <= MAX_STYLE_DIMS:
        raise ControlError(f"{style_dims} style dimensions; allowed are 1 to {MAX_STYLE_DIMS}")
    return ControlTable(
        (*_INTERPOLATION, *_style_offsets(style_dims), *_DECKS, *_TRANSPORT, *_OUTPUT, *_SERVER)
    )


_INTERPOLATION = (
    Control(
        name="interp",
        address="/interp",
        types="f",
        minimum=0.0,
        maximum=1.0,
        midi=True,
        midi_ccs=(1,),
        moves=("/interp/style", "/interp/structure"),
        description="position between deck A (0) and deck B (1), style and structure together; "
        "asked, it answers style's",
    ),
    Control(
        name="interp style",
        address="/interp/style",
        types="f",
        minimum=0.0,
        maximum=1.0,
        smoothing_s=0.02,
        midi=True,
        description="position of what stays the same: timbre, instrumentation, texture",
    ),
    Control(
        name="interp structure",
        address="/interp/structure",
        types="f",
        minimum=0.0,
        maximum=1.0,
        smoothing_s=0.02,
        midi=True,
        description="position of what changes: rhythm, notes, phrasing",
    ),
)


def _style_offsets(style_dims: int) -> tuple[Control, ...]:
    members = tuple(str(index) for index in range(style_dims))
    return (
        Control(
            name="latents",
            address="/latent",
            types="f" * style_dims,
            minimum=-3.0,
            maximum=3.0,
            unit="spreads",
            moves=tuple(f"/latent/{member}" for member in members),
            description="style offsets, the most important dimension first; "
            "a shorter list sets the first ones",
        ),
        Control(
            name="latent",
            address="/latent/{}",
            types="f",
            minimum=-3.0,
            maximum=3.0,
            unit="spreads",
            smoothing_s=0.02,
            midi=True,
            midi_ccs=tuple(range(16, 32))[:style_dims],
            members=members,
            description="offset of one style dimension",
        ),
    )


_DECKS = (
    Control(
        name="load deck",
        address="/deck/{}/load",
        types="s",
        members=("a", "b"),
        command=events.LoadDeck,
        description="a library deck by name, or an audio file under the media folder; "
        "answers /done or /fail when it is there",
    ),
)

_TRANSPORT = (
    Control(
        name="play",
        address="/play",
        types="",
        command=events.Play,
        description="let the playhead run",
    ),
    Control(
        name="stop",
        address="/stop",
        types="",
        command=events.Stop,
        description="hold the playhead and fall silent",
    ),
)

_OUTPUT = (
    Control(
        name="level",
        address="/level",
        types="f",
        minimum=-60.0,
        maximum=6.0,
        unit="dB",
        default=-12.0,
        smoothing_s=0.02,
        midi=True,
        description="output level",
    ),
    Control(
        name="mute",
        address="/mute",
        types="i",
        minimum=0.0,
        maximum=1.0,
        smoothing_s=0.005,
        midi=True,
        description="1 silences the output, 0 opens it again",
    ),
    Control(
        name="panic",
        address="/panic",
        types="",
        command=events.Panic,
        description="stop and forget every ringing state, now",
    ),
)

_SERVER = (
    Control(
        name="status",
        address="/status",
        types="",
        command=events.StatusRequest,
        description="answers /status.reply: alternating names and values",
    ),
    Control(
        name="version",
        address="/version",
        types="",
        command=events.VersionRequest,
        description="answers /version.reply: program, major, minor, patch",
    ),
    Control(
        name="sync",
        address="/sync",
        types="i",
        command=events.SyncRequest,
        description="answers /synced with the same number once all before it has been taken in",
    ),
    Control(
        name="quit",
        address="/quit",
        types="",
        command=events.Quit,
        description="answers /done /quit and ends the program",
    ),
)
