"""A preset, and its text.

    {"preset": 1, "name": "Verse / loud", "program": 0, "bundle": "default",
     "values": {"/interp/style": 0.5, "/interp/curve": "linear", "/named/brightness": 1.5, ...},
     "glides": {"/interp/style": 2.0, ...}}

A person may write one, or leave values out: a control that is not listed stays as it is.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from server.controls.replies import Argument
from server.system.printable import shown

KIND, VERSION = "preset", 1
MAX_NAME = 100
MAX_NUMBER = 1e9
"""More than any control takes."""
PROGRAMS = range(128)
_KEYS = ("name", "program", "bundle", "values", "glides")
_NO_TEXT = {"Cc", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Categories of characters that nobody types: controls, surrogates, separators."""


class PresetError(ValueError):
    """A preset that cannot be saved or recalled; the message is one line."""


@dataclass(frozen=True)
class Preset:
    """Control ``values`` and ``glides`` (time constants in s) by names that any model understands.

    The names are those of ``server.controls.carry``; ``bundle`` is the one that was playing, and
    ``program`` the MIDI program that recalls the preset.
    """

    name: str
    bundle: str
    values: Mapping[str, Argument]
    glides: Mapping[str, float]
    program: int | None = None


def clean_name(text: str) -> str:
    """Return ``text`` as the name of a preset: trimmed, and composed, as macOS does not type it.

    >>> clean_name(" Verse / loud ")
    'Verse / loud'

    Raises:
        PresetError: it is no name.
    """
    name = unicodedata.normalize("NFC", text).strip()
    if not name or len(name) > MAX_NAME or _NO_TEXT & {unicodedata.category(one) for one in name}:
        raise PresetError(
            f"{shown(text)} is no name for a preset; use one line of 1 to {MAX_NAME} characters"
        )
    return name


def content_of(preset: Preset) -> Mapping[str, Any]:
    """Return the content of the file, in the order in which a person reads it."""
    content = asdict(preset)
    return {key: content[key] for key in _KEYS}


def parse(content: Mapping[str, Any]) -> Preset:
    """Inverse of ``content_of``.

    Raises:
        ValueError: ``content`` is no preset.
    """
    if unknown := sorted(content.keys() - set(_KEYS)):
        raise ValueError(f"{shown(unknown[0])} is unknown; allowed are {', '.join(_KEYS)}")
    program, bundle = content.get("program"), content.get("bundle", "")
    if program is not None and (type(program) is not int or program not in PROGRAMS):
        raise ValueError(f"program is {shown(program)}; expected 0 to 127, or null")
    if not isinstance(bundle, str):
        raise ValueError(f"bundle is {shown(bundle)}; expected its name")
    name = content.get("name")
    if not isinstance(name, str):
        raise ValueError(f"name is {shown(name)}; expected text")
    values, glides = (_by_address(content, key) for key in ("values", "glides"))
    return Preset(
        clean_name(name),
        bundle,
        {address: _value(address, value) for address, value in values.items()},
        {address: _number(address, value) for address, value in glides.items()},
        program,
    )


def _by_address(content: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = content.get(key, {})
    if not isinstance(found, dict):
        raise ValueError(f'{key} is {shown(found)}; expected {{"/interp/style": 0.5}}')
    return found


def _value(address: str, value: object) -> Argument:
    return value if isinstance(value, str) else _number(address, value)


def _number(address: str, value: object) -> float:
    # Compared, not converted: JSON has whole numbers that overflow a float.
    if isinstance(value, int | float) and type(value) is not bool and abs(value) <= MAX_NUMBER:
        return value
    raise ValueError(f"{shown(address)} is {shown(value)}; expected a number")
