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

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from server import events

MAX_STYLE_DIMS = 1024
"""More than any bundle has; keeps a broken one from building an endless table."""


GENERATE = "/generate"
MOTION = "/motion"
LATENT = "/latent"
POSITION = "/position"
SLICE = "/slice"

DECKS = ("a", "b", "c", "d")
BYPASS = "bypass"

JUMPS = (POSITION, SLICE)
"""Values that are jumped to: nothing glides there."""

SLICES = 16
"""Equal parts of a deck."""


class ControlError(ValueError):
    """A table of controls that contradicts itself or cannot be built."""


@dataclass(frozen=True)
class Control:
    """One row: a control, or a family of them.

    ``types`` are OSC tags, one per argument (``f`` number, ``i`` whole number, ``s`` text).
    With ``repeats`` the one type stands for any number of arguments, none too.
    ``minimum`` and ``maximum`` hold for every argument. ``smoothing_s`` is the time constant
    with which the engine follows a new value; 0 jumps. ``midi_ccs`` are the control changes
    that move it without being taught, ``moves`` the addresses of the values that it moves; for a
    family both have one per member. With ``takes_all`` a list may not be shorter than it is,
    and a command that ``asks`` may be given its first arguments alone.
    ``midi_bend`` are the values with the pitch bend wheel full down and full up; its centre is
    exactly the default.

    A value with ``choices`` is one of these words, or its number; the vector holds the number.
    ``sources`` says for each of ``moves`` which argument it takes, where that is not the one of
    its own place; ``resets`` are addresses that go back to their default.
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
    repeats: bool = False
    takes_all: bool = False
    asks: bool = False
    choices: tuple[str, ...] = ()
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
        """Whether it has a present value that can be asked for."""
        return self.command is None

    @property
    def is_fan_out(self) -> bool:
        """Whether one value goes to everything it moves."""
        return bool(self.moves) and len(self.types) == 1

    @property
    def takes_fewer(self) -> bool:
        """Whether a shorter list sets only its first values, as ``/latent`` does."""
        return bool(self.moves) and len(self.types) > 1 and not self.takes_all

    def value_at(self, position: float) -> float:
        """The value at ``position`` 0..1 of the range; both ends exact, ``i`` to the nearest."""
        assert self.minimum is not None and self.maximum is not None
        value = self.minimum * (1 - position) + self.maximum * position
        return value if self.types == "f" else float(round(value))

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
            moves=self.moves[index : index + 1],
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
            moved = (*control.moves, *control.resets)
            if unknown := [a for a in moved if a not in self._own_slots]:
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

    def answering(self, address: str) -> tuple[int, ...]:
        """The places whose values answer a question to ``address``, one per argument.

        Raises:
            KeyError: no control there has a value.
        """
        control, slots = self.controls[address], self.slots[address]
        if control.sources:
            return tuple(slots[control.sources.index(n)] for n in range(len(control.types)))
        return slots[: len(control.types)]

    @cached_property
    def defaults(self) -> tuple[float, ...]:
        """The vector of values of an untouched instrument."""
        return tuple(control.default for control in self.values for _ in control.types)

    @cached_property
    def smoothing_s(self) -> tuple[float, ...]:
        """Time constant of the glide, in seconds, for each place in the vector of values."""
        return tuple(control.smoothing_s for control in self.values for _ in control.types)

    @cached_property
    def midi_bent(self) -> tuple[Control, ...]:
        """The controls that the pitch bend wheel moves."""
        return tuple(control for control in self.controls.values() if control.midi_bend)

    @cached_property
    def midi_ccs(self) -> Mapping[int, Control]:
        """The control that each control change moves by default."""
        return {cc: control for control in self.controls.values() for cc in control.midi_ccs}


def control_table(style_dims: int, names: Sequence[str | None] = ()) -> ControlTable:
    """The controls of an instrument whose bundle has ``style_dims`` (D) style dimensions.

    ``names`` are slugs of the first dimensions, None for one that has none.

    Raises:
        ControlError: D is not in 1..1024, or two dimensions have one name.
    """
    if not 1 <= style_dims <= MAX_STYLE_DIMS:
        raise ControlError(f"{style_dims} style dimensions; allowed are 1 to {MAX_STYLE_DIMS}")
    return ControlTable(
        (
            *_INTERPOLATION,
            *_style_offsets(style_dims),
            *_named_offsets(names),
            *_gestures(style_dims),
            *_WALK,
            *_GENERATION,
            *_DECKS,
            *_TRANSPORT,
            *_PLAYHEAD,
            *_GLIDE,
            *_MOTION,
            *_OUTPUT,
            *_SERVER,
        )
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
        resets=("/interp/y",),
        description="position between deck A (0) and deck B (1), style and structure together; "
        "the same as /interp/xy with y 0; asked, it answers style's",
    ),
    Control(
        name="interp xy",
        address="/interp/xy",
        types="ff",
        minimum=0.0,
        maximum=1.0,
        takes_all=True,
        moves=("/interp/style", "/interp/structure", "/interp/y"),
        sources=(0, 0, 1),
        description="position between four decks, bilinear: A 0 0, B 1 0, C 0 1, D 1 1; an empty "
        "deck is heard as the one beside it, else above or below, else across; asked, it "
        "answers style's",
    ),
    Control(
        name="interp style",
        address="/interp/style",
        types="f",
        minimum=0.0,
        maximum=1.0,
        smoothing_s=0.02,
        midi=True,
        description="position of what stays the same: timbre, instrumentation, texture; from A "
        "and C (0) to B and D (1), y stays",
    ),
    Control(
        name="interp structure",
        address="/interp/structure",
        types="f",
        minimum=0.0,
        maximum=1.0,
        smoothing_s=0.02,
        midi=True,
        description="position of what changes: rhythm, notes, phrasing; from A and C (0) to B and "
        "D (1), y stays",
    ),
    Control(
        name="interp y",
        address="/interp/y",
        types="f",
        minimum=0.0,
        maximum=1.0,
        smoothing_s=0.02,
        midi=True,
        description="position from decks A and B (0) to decks C and D (1), style and structure "
        "together; x stays",
    ),
    Control(
        name="interp curve",
        address="/interp/curve",
        types="s",
        choices=("linear", "spherical"),
        minimum=0.0,
        maximum=1.0,
        smoothing_s=0.05,
        midi=True,
        description="way between styles: a straight line, or an arc that keeps its distance from "
        "the trained mean; structure always takes the line",
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


def _gestures(style_dims: int) -> tuple[Control, ...]:
    return (
        Control(
            name="max out",
            address="/gesture/max",
            types="i",
            minimum=0.0,
            maximum=style_dims - 1.0,
            command=events.MaxOut,
            description="one style dimension as far up as it goes",
        ),
        Control(
            name="flatten",
            address="/gesture/flatten",
            types="",
            command=events.Flatten,
            description="offsets that make the present style the mean of all that was trained on, "
            "as far as offsets reach",
        ),
        Control(
            name="randomise",
            address="/gesture/random",
            types="",
            command=events.Randomise,
            description="each offset anywhere within one trained spread, the same numbers in each "
            "session",
        ),
        Control(
            name="reset offsets",
            address="/gesture/reset",
            types="",
            command=events.ResetOffsets,
            description="all offsets to 0",
        ),
    )


_WALK = (
    Control(
        name="walk",
        address="/walk",
        types="f",
        minimum=0.0,
        maximum=1.0,
        smoothing_s=0.02,
        midi=True,
        description="depth of a slow random walk of style around its offsets: at 1 about one "
        "trained spread, two at most; the same way in each session",
    ),
    Control(
        name="walk rate",
        address="/walk/rate",
        types="f",
        minimum=0.01,
        maximum=10.0,
        unit="Hz",
        default=0.2,
        midi=True,
        description="random places a second that each dimension walks to; nothing moves faster",
    ),
)

_GENERATION = (
    Control(
        name="generate",
        address=GENERATE,
        types="f",
        minimum=0.0,
        maximum=1.0,
        smoothing_s=0.05,
        midi=True,
        description="1 plays on for ever from the last ticks played, 0 is the decks' own "
        "structure, between the two improvises along; /fail where the bundle has no prior",
    ),
    Control(
        name="generate temperature",
        address="/generate/temperature",
        types="f",
        minimum=0.0,
        maximum=2.0,
        default=1.0,
        midi=True,
        description="how daring what is played on is: 0 the likeliest, 1 as the training music",
    ),
)


def _named_offsets(names: Sequence[str | None]) -> tuple[Control, ...]:
    """One family for all names there are; nothing where there are none."""
    named = [(name, index) for index, name in enumerate(names) if name is not None]
    if not named:
        return ()
    return (
        Control(
            name="named",
            address="/named/{}",
            types="f",
            minimum=-3.0,
            maximum=3.0,
            unit="spreads",
            midi=True,
            members=tuple(name for name, _ in named),
            moves=tuple(f"/latent/{index}" for _, index in named),
            description="the style dimension that was measured to do this, by name; more is more",
        ),
    )


_DECKS = (
    Control(
        name="load deck",
        address="/deck/{}/load",
        types="s",
        members=DECKS,
        command=events.LoadDeck,
        description="a library deck by name, or an audio file under the media folder; "
        "answers /done or /fail when it is there",
    ),
    Control(
        name="deck style",
        address="/deck/{}/style",
        types="s",
        choices=("mean", "track"),
        minimum=0.0,
        maximum=1.0,
        smoothing_s=0.05,
        midi=True,
        members=DECKS,
        description="the deck's style: the mean of the whole, or as it changes at the playhead",
    ),
    Control(
        name="bypass",
        address=f"/deck/{{}}/{BYPASS}",
        types="i",
        minimum=0.0,
        maximum=1.0,
        smoothing_s=0.01,
        midi=True,
        members=DECKS,
        description="1 plays the deck's original recording instead of what is decoded, at the same "
        "place and wherever /interp is, to compare; /fail where there is none: library decks and "
        "files longer than 10 minutes",
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

_PLAYHEAD = (
    Control(
        name="speed",
        address="/speed",
        types="f",
        minimum=-4.0,
        maximum=4.0,
        default=1.0,
        smoothing_s=0.02,
        midi=True,
        midi_bend=(0.0, 2.0),
        description="of the playhead: below 0 backwards; pitch stays",
    ),
    Control(
        name="freeze",
        address="/freeze",
        types="i",
        minimum=0.0,
        maximum=1.0,
        midi=True,
        description="1 holds the playhead while the sound goes on, 0 lets it run",
    ),
    Control(
        name="position",
        address=POSITION,
        types="f",
        minimum=0.0,
        maximum=1.0,
        midi=True,
        description="jump, 0..1 of the loop; asked, it answers where the first loaded deck is now",
    ),
    Control(
        name="loop",
        address="/loop",
        types="ff",
        minimum=0.0,
        maximum=1.0,
        takes_all=True,
        moves=("/loop/start", "/loop/end"),
        description="part of each deck that is repeated; an end before the start goes on over the "
        "deck's end, an end at the start is the whole deck",
    ),
    Control(
        name="loop start",
        address="/loop/start",
        types="f",
        minimum=0.0,
        maximum=1.0,
        midi=True,
        description="the loop's first point alone",
    ),
    Control(
        name="loop end",
        address="/loop/end",
        types="f",
        minimum=0.0,
        maximum=1.0,
        default=1.0,
        midi=True,
        description="the loop's last point alone",
    ),
    Control(
        name="slice",
        address=SLICE,
        types="i",
        minimum=0.0,
        maximum=SLICES - 1.0,
        midi=True,
        description="jump to one of 16 equal parts of each deck and loop it; /loop 0 1 opens the "
        "loop again",
    ),
)

_GLIDE = (
    Control(
        name="glide",
        address="/glide",
        types="sf",
        minimum=0.0,
        maximum=60.0,
        unit="s",
        asks=True,
        command=events.SetGlide,
        description="how slowly a value is followed: its address and the time constant, in which "
        "63 % of the way are gone, 95 % in three times as long; asked with the address alone",
    ),
)

_MOTION = (
    Control(
        name="record motion",
        address=f"{MOTION}/record",
        types="i",
        minimum=0.0,
        maximum=1.0,
        midi=True,
        description="1 begins to record all changes of values in place of those before, 0 ends: "
        "the time between is the loop",
    ),
    Control(
        name="play motion",
        address=f"{MOTION}/play",
        types="i",
        minimum=0.0,
        maximum=1.0,
        midi=True,
        description="1 loops the recorded changes from their beginning, 0 leaves values as they "
        "are; a recording comes first",
    ),
    Control(
        name="clear motion",
        address=f"{MOTION}/clear",
        types="",
        command=events.ClearMotion,
        description="forget the recorded changes",
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
        name="notify",
        address="/notify",
        types="i",
        minimum=0.0,
        maximum=1.0,
        command=events.Notify,
        description="1 tells the sender of every change that others make, 0 no more; answers "
        "/done /notify and a number; over UDP it ends five minutes after the last message",
    ),
    Control(
        name="dump",
        address="/dump",
        types="i",
        minimum=0.0,
        maximum=1.0,
        command=events.Dump,
        description="1 prints incoming messages, 0 no more; answers /done /dump",
    ),
    Control(
        name="wekinator outputs",
        address="/wek/outputs",
        types="f",
        repeats=True,
        command=events.WekinatorOutputs,
        description="outputs of Wekinator, 0..1 each: the first moves the first control of "
        "--wekinator through its range, and so on; those beyond 0..1 or the list are cut off",
    ),
    Control(
        name="quit",
        address="/quit",
        types="",
        command=events.Quit,
        description="answers /done /quit and ends the program",
    ),
)
