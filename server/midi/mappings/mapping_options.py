"""The options of a mapping as words and numbers: of OSC, and of what is shown. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from server.controls.control import Control
from server.controls.replies import Argument
from server.midi.mappings.mapping import MidiMap, MidiMapError

PLACE = "off"
"""No coding of steps: the knob sends where it is."""


def with_option(one: MidiMap, control: Control, name: str, value: Argument) -> MidiMap:
    """``one`` with the option ``name`` at ``value``, for ``control``.

    Raises:
        MidiMapError: there is no such option, or it cannot be that.
    """
    if name not in _TAKERS:
        raise MidiMapError(f"{name!r:.40} is no option; allowed are {', '.join(_TAKERS)}")
    changed: MidiMap = replace(one, **{name: _TAKERS[name](name, value, control)})
    if changed.low == control.maximum or changed.high == control.minimum:
        raise MidiMapError(f"{name} {value} leaves no range")
    return changed


def options_of(one: MidiMap, control: Control | None) -> tuple[Argument, ...]:
    """Alternating names and values, as they are told."""
    low, high = one.ends(control) if control else (one.low, one.high)
    shown: Mapping[str, Argument | None] = {
        "takeover": one.takeover,
        "low": low,
        "high": high,
        "curve": one.curve,
        "invert": int(one.invert),
        "relative": one.relative or PLACE,
        "feedback": int(one.feedback),
    }
    return tuple(
        part for name, value in shown.items() if value is not None for part in (name, value)
    )


def _word(name: str, value: Argument, control: Control) -> Argument | None:
    if not isinstance(value, str):
        raise MidiMapError(f"{name} takes a word, not {value}")
    return None if name == "relative" and value == PLACE else value


def _end(name: str, value: Argument, control: Control) -> float:
    assert control.minimum is not None and control.maximum is not None
    is_number = isinstance(value, int | float)
    if not is_number or not control.minimum <= float(value) <= control.maximum:
        raise MidiMapError(
            f"{name} {value!r:.40}; allowed are {control.minimum:g} to {control.maximum:g}"
        )
    return float(value)


def _switch(name: str, value: Argument, control: Control) -> bool:
    if value not in (0, 1):
        raise MidiMapError(f"{name} {value!r:.40}; allowed are 0 and 1")
    return bool(value)


_TAKERS: Mapping[str, Callable[[str, Argument, Control], Any]] = {
    "takeover": _word,
    "low": _end,
    "high": _end,
    "curve": _word,
    "invert": _switch,
    "relative": _word,
    "feedback": _switch,
}
