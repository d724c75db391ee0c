"""NRPN and RPN: parameters with numbers of 14 bits, set by a few control changes.

    99 98 (NRPN) or 101 100 (RPN)      select a parameter, by MSB and LSB of its number;
                                       127 127 selects none
    6 38                               data entry: its value, MSB and LSB
    96 97                              data increment, data decrement

As the MIDI 1.0 detailed specification has it ("registered and non-registered parameter numbers").
A parameter stays selected until another one is. A value is of 7 bits until its first LSB. The size
of a step is for the receiver to choose (RP-018): here 1/128 of the range, whatever the byte says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Literal

from server.midi.decode.cc14 import Cc14Reading, Cc14State
from server.midi.decode.moves import FOURTEEN_BITS, SEVEN_BITS

ParameterKind = Literal["nrpn", "rpn"]

_SELECT_MSB: Mapping[int, ParameterKind] = {99: "nrpn", 101: "rpn"}
_SELECT_LSB: Mapping[int, ParameterKind] = {98: "nrpn", 100: "rpn"}
_ENTRY_MSB, _ENTRY_LSB = 6, 38
_STEPS: Mapping[int, int] = {96: 1, 97: -1}
_ENTERING = (_ENTRY_MSB, _ENTRY_LSB, *_STEPS)
_NONE = (127, 127)

MAX_VALUES = 64
"""Parameters of a channel whose values are remembered: the last ones entered."""

Key = tuple[ParameterKind, int]


@dataclass(frozen=True)
class ParameterValue:
    """The new value of a parameter; ``steps`` as in ``Move``."""

    kind: ParameterKind
    reading: Cc14Reading
    steps: int = 0


@dataclass(frozen=True)
class Parameters:
    """The selected numbers (MSB, LSB) on one channel, and the values that were entered.

    ``kind`` is the one that was selected last.
    """

    numbers: Mapping[ParameterKind, tuple[int | None, int | None]] = field(default_factory=dict)
    kind: ParameterKind | None = None
    values: Mapping[Key, Cc14State] = field(default_factory=dict)

    @property
    def selected(self) -> Key | None:
        """The parameter whose value data entry sets."""
        if self.kind is None:
            return None
        msb, lsb = self.numbers[self.kind]
        if msb is None or lsb is None or (msb, lsb) == _NONE:
            return None
        return self.kind, msb * 128 + lsb

    def takes(self, control: int) -> bool:
        """Return whether a control change is about a parameter now, and not a plain knob."""
        is_selecting = control in _SELECT_MSB or control in _SELECT_LSB
        return is_selecting or (control in _ENTERING and self.selected is not None)

    def none_selected(self) -> Parameters:
        """Return the parameters as after 127 127."""
        return replace(self, kind=None, numbers={})


def decode(
    parameters: Parameters, control: int, value: int
) -> tuple[Parameters, ParameterValue | None]:
    """Decode a control change that ``parameters`` takes; return what it entered, if anything."""
    if kind := _SELECT_MSB.get(control):
        return _with_number(parameters, kind, (value, _number(parameters, kind)[1])), None
    if kind := _SELECT_LSB.get(control):
        return _with_number(parameters, kind, (_number(parameters, kind)[0], value)), None
    key = parameters.selected
    assert key is not None  # else it does not take this one
    entered = _entered(parameters.values.get(key, Cc14State()), control, value)
    kept = {known: state for known, state in parameters.values.items() if known != key}
    kept = dict(islice(kept.items(), max(len(kept) - MAX_VALUES + 1, 0), None))
    reading = ParameterValue(key[0], entered.reading(key[1]), _STEPS.get(control, 0))
    return replace(parameters, values={**kept, key: entered}), reading


def _number(parameters: Parameters, kind: ParameterKind) -> tuple[int | None, int | None]:
    return parameters.numbers.get(kind, (None, None))


def _with_number(
    parameters: Parameters, kind: ParameterKind, number: tuple[int | None, int | None]
) -> Parameters:
    return replace(parameters, numbers={**parameters.numbers, kind: number}, kind=kind)


def _entered(state: Cc14State, control: int, value: int) -> Cc14State:
    if control == _ENTRY_MSB:
        return replace(state, msb=value)
    if control == _ENTRY_LSB:
        return replace(state, lsb=value)
    steps = _STEPS[control]
    if state.lsb is None:
        return replace(state, msb=min(max(state.msb + steps, 0), SEVEN_BITS))
    whole = min(max(state.msb * 128 + state.lsb + steps * 128, 0), FOURTEEN_BITS)
    return replace(state, msb=whole // 128, lsb=whole % 128)
