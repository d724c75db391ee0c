"""The options of a mapping as words and numbers, as OSC sets and lists them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from server.controls.control import Control
from server.controls.replies import Argument
from server.midi.mappings.mapping import MidiMapping, MidiMappingError

ABSOLUTE = "off"
"""The option ``relative`` of a knob that sends its position."""


def with_option(mapping: MidiMapping, control: Control, name: str, value: Argument) -> MidiMapping:
    """Return ``mapping``, which moves ``control``, with the option ``name`` set to ``value``.

    Raises:
        MidiMappingError: there is no such option, or it cannot have this value.
    """
    if name not in _READERS:
        raise MidiMappingError(f"{name!r:.40} is no option; allowed are {', '.join(_READERS)}")
    changed: MidiMapping = replace(mapping, **{name: _READERS[name](name, value, control)})
    if changed.low == control.maximum or changed.high == control.minimum:
        raise MidiMappingError(f"{name} {value} leaves no range")
    return changed


def options_of(mapping: MidiMapping, control: Control | None) -> tuple[Argument, ...]:
    """Return the options as alternating names and values."""
    low, high = mapping.limits(control) if control else (mapping.low, mapping.high)
    options: Mapping[str, Argument | None] = {
        "takeover": mapping.takeover,
        "low": low,
        "high": high,
        "curve": mapping.curve,
        "invert": int(mapping.invert),
        "relative": mapping.relative or ABSOLUTE,
        "feedback": int(mapping.feedback),
    }
    return tuple(
        part for name, value in options.items() if value is not None for part in (name, value)
    )


def _word(name: str, value: Argument, control: Control) -> Argument | None:
    if not isinstance(value, str):
        raise MidiMappingError(f"{name} takes a word, not {value}")
    return None if name == "relative" and value == ABSOLUTE else value


def _limit(name: str, value: Argument, control: Control) -> float:
    assert control.minimum is not None and control.maximum is not None
    is_number = isinstance(value, int | float)
    if not is_number or not control.minimum <= float(value) <= control.maximum:
        raise MidiMappingError(
            f"{name} {value!r:.40}; allowed are {control.minimum:g} to {control.maximum:g}"
        )
    return float(value)


def _switch(name: str, value: Argument, control: Control) -> bool:
    if value not in (0, 1):
        raise MidiMappingError(f"{name} {value!r:.40}; allowed are 0 and 1")
    return bool(value)


_READERS: Mapping[str, Callable[[str, Argument, Control], Any]] = {
    "takeover": _word,
    "low": _limit,
    "high": _limit,
    "curve": _word,
    "invert": _switch,
    "relative": _word,
    "feedback": _switch,
}
