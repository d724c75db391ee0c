"""One mapping: which knob moves which control, and which position of the knob is which value.

    position 0..1  -- invert -->  -- curve -->  low .. high of the control     (``value_at``)
                   <-- invert --  <-- curve --                                 (``position_of``)

Exponential and logarithmic are each other's inverse; linear is its own. With r = high / low where
low is above 0, so that equal turns are equal ratios (Hz), else 100:

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

Takeover = Literal["jump", "pick-up", "scale"]
"""The ways in which a knob takes over a control that something else has moved."""
Curve = Literal["linear", "exponential", "logarithmic"]
Coding = Literal["signed bit", "signed bit 2", "bin offset", "2's complement"]
"""The ways in which endless encoders send their steps (``turning``)."""

TAKEOVERS: tuple[Takeover, ...] = get_args(Takeover)
CURVES: tuple[Curve, ...] = get_args(Curve)
CODINGS: tuple[Coding, ...] = get_args(Coding)
KINDS: tuple[Kind, ...] = tuple(kind for kind in get_args(Kind) if kind != "program")
"""Kinds of knobs that can be mapped."""

CHANNELS = 16
_LARGEST_NUMBER: Mapping[Kind, int] = {
    "nrpn": FOURTEEN_BITS,
    "rpn": FOURTEEN_BITS,
    "bend": 0,
    "pressure": 0,
}
"""Of the knobs of a kind; of the other kinds 127."""
_STEEPNESS = 100.0


class MidiMappingError(ValueError):
    """A mapping that is impossible; the message is one line."""


@dataclass(frozen=True)
class KnobPattern:
    """The knobs that a mapping listens to: one, or the same on any port or channel (None)."""

    port: str | None
    channel: int | None
    kind: Kind
    number: int = 0

    def __post_init__(self) -> None:
        _require_among("kind", self.kind, KINDS)
        _require_up_to("channel", self.channel, CHANNELS - 1, may_be_none=True)
        _require_up_to("number", self.number, _LARGEST_NUMBER.get(self.kind, 127))

    def __str__(self) -> str:
        number = f" {self.number}" if _LARGEST_NUMBER.get(self.kind, 127) else ""
        channel = "any channel" if self.channel is None else f"channel {self.channel + 1}"
        return f"{self.kind}{number}, {channel}, {self.port or 'any port'}"

    @property
    def single_knob(self) -> Knob | None:
        """The knob, if there is only one that matches."""
        if self.port is None or self.channel is None:
            return None
        return Knob(self.port, self.channel, self.kind, self.number)

    def matches(self, knob: Knob) -> bool:
        """Return whether ``knob`` is one of them."""
        return (
            (self.kind, self.number) == (knob.kind, knob.number)
            and self.port in (None, knob.port)
            and self.channel in (None, knob.channel)
        )


@dataclass(frozen=True)
class MidiMapping:
    """The knobs of ``pattern`` move the control at ``address``.

    ``low`` and ``high`` are values of the control, None for its own limits. ``relative`` is the
    coding of an endless encoder, None for a knob that sends its position. ``feedback`` is whether
    the controller is sent the control's value, in ``bits`` (7 or 14).

    Raises:
        MidiMappingError: a word, number or range that is impossible.
    """

    address: str
    pattern: KnobPattern
    low: float | None = None
    high: float | None = None
    curve: Curve = "linear"
    invert: bool = False
    takeover: Takeover = "jump"
    relative: Coding | None = None
    bits: int = 7
    feedback: bool = True

    def __post_init__(self) -> None:
        _require_among("curve", self.curve, CURVES)
        _require_among("takeover", self.takeover, TAKEOVERS)
        _require_among("bits", self.bits, (7, 14))
        if self.relative is not None:
            _require_among("relative", self.relative, CODINGS)
        for name, limit in (("low", self.low), ("high", self.high)):
            if limit is not None and not math.isfinite(limit):
                raise MidiMappingError(f"{name} {limit}; allowed are finite numbers")
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise MidiMappingError(
                f"low {self.low:g} is not below high {self.high:g}; invert turns a knob around"
            )

    def limits(self, control: Control) -> tuple[float, float]:
        """Return the smallest and the largest value that the knob gives ``control``.

        A range beyond the control's, as one made for another bundle may be, is clipped to it; if
        nothing is left, it is the control's own range.
        """
        assert control.minimum is not None and control.maximum is not None
        low = control.minimum if self.low is None else max(self.low, control.minimum)
        high = control.maximum if self.high is None else min(self.high, control.maximum)
        return (low, high) if low < high else (control.minimum, control.maximum)


def knob_position(move: Move) -> float:
    """Return the knob's position, 0..1; a pitch bend wheel rests at exactly a half."""
    if move.knob.kind != "bend":
        return move.position
    pitch = move.value - BEND_CENTRE
    return (1 + (pitch / 8192 if pitch < 0 else pitch / 8191)) / 2


def value_at(mapping: MidiMapping, control: Control, position: float) -> float:
    """Return the control's value for the knob's ``position`` 0..1; both ends are exact."""
    low, high = mapping.limits(control)
    share = _curved(mapping.curve, 1 - position if mapping.invert else position, low, high)
    value = low * (1 - share) + high * share
    return value if control.types == "f" else float(round(value))


def position_of(mapping: MidiMapping, control: Control, value: float) -> float:
    """Return the knob's position for ``value``; beyond the mapping's range, the nearest end."""
    low, high = mapping.limits(control)
    share = (min(max(value, low), high) - low) / (high - low)
    position = _curved(_INVERSE[mapping.curve], share, low, high)
    return 1 - position if mapping.invert else position


_INVERSE: Mapping[Curve, Curve] = {
    "linear": "linear",
    "exponential": "logarithmic",
    "logarithmic": "exponential",
}


def _curved(curve: Curve, share: float, low: float, high: float) -> float:
    if curve == "linear" or share in (0.0, 1.0):
        return share
    ratio = high / low if low > 0 else _STEEPNESS
    if curve == "exponential":
        return (math.pow(ratio, share) - 1) / (ratio - 1)
    return math.log(1 + share * (ratio - 1)) / math.log(ratio)


def _require_among(name: str, given: object, allowed: tuple[object, ...]) -> None:
    if given not in allowed or isinstance(given, bool):
        words = ", ".join(str(word) for word in allowed)
        raise MidiMappingError(f"{name} {given!r:.40}; allowed are {words}")


def _require_up_to(name: str, given: object, largest: int, *, may_be_none: bool = False) -> None:
    if given is None and may_be_none:
        return
    if type(given) is not int or not 0 <= given <= largest:
        raise MidiMappingError(f"{name} {given!r:.40}; allowed are 0 to {largest}")
