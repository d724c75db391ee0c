"""Registered and non-registered parameters: numbers of 14 bits behind a few control changes.

    99 98 (NRPN) or 101 100 (RPN)      select a parameter, by the high and the low half of its
                                       number; 127 127 selects none
    6 38                               its value, high and low half
    96 97                              one step up, one step down

As the MIDI 1.0 detailed specification has it ("registered and non-registered parameter numbers").
The selected one stays so until another one is. A value is of 7 bits until its first low half. What
a step is, is the receiver's to say (RP-018): here 1/128 of the range, whatever the byte says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Literal

from server.midi.decode.cc14 import Cc14Reading, Cc14State
from server.midi.decode.moves import FOURTEEN_BITS, SEVEN_BITS

ParameterKind = Literal["nrpn", "rpn"]

_SELECTING: Mapping[int, tuple[ParameterKind, int]] = {
    99: ("nrpn", 0),
    98: ("nrpn", 1),
    101: ("rpn", 0),
    100: ("rpn", 1),
}
_ENTRY_HIGH, _ENTRY_LOW = 6, 38
_STEPS: Mapping[int, int] = {96: 1, 97: -1}
_ENTERING = (_ENTRY_HIGH, _ENTRY_LOW, *_STEPS)
_NONE = (127, 127)

MOST = 64
"""Parameters of a channel whose values are remembered, the last ones."""

Key = tuple[ParameterKind, int]


@dataclass(frozen=True)
class ParameterValue:
    """A parameter has got a value; ``steps`` as in ``Move``."""

    kind: ParameterKind
    reading: Cc14Reading
    steps: int = 0


@dataclass(frozen=True)
class Parameters:
    """What was selected on one channel, in halves, and the values that were entered."""

    halves: Mapping[ParameterKind, tuple[int | None, int | None]] = field(default_factory=dict)
    kind: ParameterKind | None = None
    values: Mapping[Key, Cc14State] = field(default_factory=dict)

    @property
    def selected(self) -> Key | None:
        """The parameter whose value may be entered now."""
        if self.kind is None:
            return None
        high, low = self.halves[self.kind]
        if high is None or low is None or (high, low) == _NONE:
            return None
        return self.kind, high * 128 + low

    def takes(self, control: int) -> bool:
        """Whether a control change is about a parameter now, and no knob of its own."""
        return control in _SELECTING or (control in _ENTERING and self.selected is not None)

    def none_selected(self) -> Parameters:
        """As after 127 127."""
        return replace(self, kind=None, halves={})


def heard(
    parameters: Parameters, control: int, value: int
) -> tuple[Parameters, ParameterValue | None]:
    """What a control change that parameters take does, and what to remember."""
    if control in _SELECTING:
        kind, half = _SELECTING[control]
        high, low = parameters.halves.get(kind, (None, None))
        halves = (value, low) if half == 0 else (high, value)
        return replace(parameters, halves={**parameters.halves, kind: halves}, kind=kind), None
    key = parameters.selected
    assert key is not None  # else it does not take this one
    pair = _entered(parameters.values.get(key, Cc14State()), control, value)
    kept = {known: pair for known, pair in parameters.values.items() if known != key}
    kept = dict(islice(kept.items(), max(len(kept) - MOST + 1, 0), None))
    entered = ParameterValue(key[0], pair.reading(key[1]), _STEPS.get(control, 0))
    return replace(parameters, values={**kept, key: pair}), entered


def _entered(pair: Cc14State, control: int, value: int) -> Cc14State:
    if control == _ENTRY_HIGH:
        return replace(pair, high=value)
    if control == _ENTRY_LOW:
        return replace(pair, low=value)
    steps = _STEPS[control]
    if pair.low is None:
        return replace(pair, high=min(max(pair.high + steps, 0), SEVEN_BITS))
    whole = min(max(pair.high * 128 + pair.low + steps * 128, 0), FOURTEEN_BITS)
    return replace(pair, high=whole // 128, low=whole % 128)
