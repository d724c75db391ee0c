"""One mapping: which knob moves which control, and how far it goes for how much of a turn.

    knob 0..1  -- invert -->  -- curve -->  low .. high of the control     (``value_of``)
               <-- invert --  <-- curve --                                 (``place_of``)

Of the curves each is the other's way back; linear is its own. With r = high / low where low is
above 0, so that equal turns are equal ratios (Hz), else 100:

    exponential   (r^x - 1) / (r - 1)         fine at the low end
    logarithmic   log(1 + x (r - 1)) / log r  fine at the high end
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from server.controls.control import Control
from server.midi.decode.moves import BEND_CENTRE, FOURTEEN_BITS, Kind, Knob, Move
from server.midi.mappings.relative import CODINGS, Coding

Takeover = Literal["jump", "pick-up", "scale"]
Curve = Literal["linear", "exponential", "logarithmic"]

TAKEOVERS: tuple[Takeover, ...] = get_args(Takeover)
CURVES: tuple[Curve, ...] = get_args(Curve)
KINDS: tuple[Kind, ...] = tuple(kind for kind in get_args(Kind) if kind != "program")
"""Of knobs that can be mapped."""

CHANNELS = 16
_LARGEST_NUMBER: Mapping[Kind, int] = {
    "nrpn": FOURTEEN_BITS,
    "rpn": FOURTEEN_BITS,
    "bend": 0,
    "pressure": 0,
}
"""Of the knobs of a kind; of the others 127."""
_STEEPNESS = 100.0


class MidiMapError(ValueError):
    """A mapping that makes no sense, in one line."""


@dataclass(frozen=True)
class KnobPattern:
    """The knobs that a mapping listens to: one, or those alike of any port or channel (None)."""

    port: str | None
    channel: int | None
    kind: Kind
    number: int = 0

    def __post_init__(self) -> None:
        _among("kind", self.kind, KINDS)
        _within("channel", self.channel, CHANNELS - 1, may_be_none=True)
        _within("number", self.number, _LARGEST_NUMBER.get(self.kind, 127))

    def __str__(self) -> str:
        number = f" {self.number}" if _LARGEST_NUMBER.get(self.kind, 127) else ""
        channel = "any channel" if self.channel is None else f"channel {self.channel + 1}"
        return f"{self.kind}{number}, {channel}, {self.port or 'any port'}"

    @property
    def one(self) -> Knob | None:
        """The knob, where it is a single one."""
        if self.port is None or self.channel is None:
            return None
        return Knob(self.port, self.channel, self.kind, self.number)

    def has(self, knob: Knob) -> bool:
        """Whether ``knob`` is one of them."""
        return (
            (self.kind, self.number) == (knob.kind, knob.number)
            and self.port in (None, knob.port)
            and self.channel in (None, knob.channel)
        )


@dataclass(frozen=True)
class MidiMap:
    """``knobs`` move the control at ``address``.

    ``low`` and ``high`` are values of the control, None its own ends. ``relative`` is the coding
    of an endless encoder, None for a knob that sends where it is. ``bits`` (7 or 14) and
    ``feedback`` say what the controller is told when something else moves the control.

    Raises:
        MidiMapError: a word, number or range that cannot be.
    """

    address: str
    knobs: KnobPattern
    low: float | None = None
    high: float | None = None
    curve: Curve = "linear"
    invert: bool = False
    takeover: Takeover = "jump"
    relative: Coding | None = None
    bits: int = 7
    feedback: bool = True

    def __post_init__(self) -> None:
        _among("curve", self.curve, CURVES)
        _among("takeover", self.takeover, TAKEOVERS)
        _among("bits", self.bits, (7, 14))
        if self.relative is not None:
            _among("relative", self.relative, CODINGS)
        for name, end in (("low", self.low), ("high", self.high)):
            if end is not None and not math.isfinite(end):
                raise MidiMapError(f"{name} {end} is no number that a control can have")
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise MidiMapError(
                f"low {self.low:g} is not below high {self.high:g}; invert turns a knob around"
            )

    def ends(self, control: Control) -> tuple[float, float]:
        """The least and the largest value that it gives ``control``.

        A range beyond the control's, as one of another bundle may be, is cut to it; where nothing
        is left it is the control's own.
        """
        assert control.minimum is not None and control.maximum is not None
        low = control.minimum if self.low is None else max(self.low, control.minimum)
        high = control.maximum if self.high is None else min(self.high, control.maximum)
        return (low, high) if low < high else (control.minimum, control.maximum)


def knob_place(move: Move) -> float:
    """Where the knob stands, 0..1; a wheel that springs back rests at exactly a half."""
    if move.knob.kind != "bend":
        return move.position
    pitch = move.value - BEND_CENTRE
    return (1 + (pitch / 8192 if pitch < 0 else pitch / 8191)) / 2


def value_of(one: MidiMap, control: Control, place: float) -> float:
    """What the control becomes with the knob at ``place`` 0..1; both ends are exact."""
    low, high = one.ends(control)
    share = _bent(one.curve, 1 - place if one.invert else place, low, high)
    value = low * (1 - share) + high * share
    return value if control.types == "f" else float(round(value))


def place_of(one: MidiMap, control: Control, value: float) -> float:
    """Where the knob stands for ``value``; one beyond its range is at that end."""
    low, high = one.ends(control)
    share = (min(max(value, low), high) - low) / (high - low)
    place = _bent(_WAY_BACK[one.curve], share, low, high)
    return 1 - place if one.invert else place


_WAY_BACK: Mapping[Curve, Curve] = {
    "linear": "linear",
    "exponential": "logarithmic",
    "logarithmic": "exponential",
}


def _bent(curve: Curve, share: float, low: float, high: float) -> float:
    if curve == "linear" or share in (0.0, 1.0):
        return share
    ratio = high / low if low > 0 else _STEEPNESS
    if curve == "exponential":
        return (math.pow(ratio, share) - 1) / (ratio - 1)
    return math.log(1 + share * (ratio - 1)) / math.log(ratio)


def _among(name: str, given: object, allowed: tuple[object, ...]) -> None:
    if given not in allowed or isinstance(given, bool):
        words = ", ".join(str(word) for word in allowed)
        raise MidiMapError(f"{name} {given!r:.40}; allowed are {words}")


def _within(name: str, given: object, largest: int, *, may_be_none: bool = False) -> None:
    if given is None and may_be_none:
        return
    if type(given) is not int or not 0 <= given <= largest:
        raise MidiMapError(f"{name} {given!r:.40}; allowed are 0 to {largest}")
