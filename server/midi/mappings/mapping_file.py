"""The learned mappings as a file that a person can read and edit: ``midi.json``.

    {"midi maps": 1,
     "maps": [{"control": "/latent/3", "port": "nanoKONTROL2", "channel": 1, "kind": "cc",
               "number": 16, "takeover": "pick-up"}],
     "without usual knob": ["/interp"]}

Channels are 1 to 16. No port or channel means any; other missing options have their default value.
"without usual knob" lists the controls whose default mapping was forgotten. Mappings of controls
that the model does not have are kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from server.midi.mappings.mapping import KnobPattern, MidiMapping, MidiMappingError
from server.midi.mappings.mapping_options import ABSOLUTE
from server.midi.mappings.mapping_table import MappingTable
from server.system.callbacks import Then
from server.system.file_worker import FileWorker
from server.system.json_document import JsonDocument

FILE_NAME = "midi.json"
KIND = "midi maps"
MAX_MAPPINGS = 4096

_MAPPINGS, _DISABLED = "maps", "without usual knob"
_KNOB = ("port", "channel", "kind", "number")
_NUMBERS = ("low", "high")
_SWITCHES = ("invert", "feedback")
_WORDS = ("curve", "takeover", "relative")


class MappingFile:
    """Reads the mappings once at the start; writes each change in the thread of ``files``."""

    def __init__(self, folder: Path | None, files: FileWorker) -> None:
        """Without a ``folder`` mappings end with the program."""
        self._document = JsonDocument(folder / FILE_NAME, KIND) if folder else None
        self._files = files

    def read(self) -> MappingTable:
        """Return the mappings learned before; none if the file is unusable, which is set aside."""
        return (self._document and self._document.read(table_of)) or MappingTable()

    def write(self, table: MappingTable, then: Then) -> None:
        """Write ``table``; ``then`` is called once it is on the disk, or with why it is not."""
        if self._document is None:
            then(None)
            return
        document, content = self._document, document_of(table)
        self._files.do(
            lambda: document.write(content),
            lambda _: then(None),
            lambda why: then(f"in force, but not kept: {why}"),
        )


def document_of(table: MappingTable) -> Mapping[str, Any]:
    """Return the content of the file for ``table``."""
    return {
        _MAPPINGS: [_entry(mapping) for mapping in table.learned],
        _DISABLED: list(table.disabled),
    }


def table_of(document: Mapping[str, Any]) -> MappingTable:
    """Inverse of ``document_of``.

    Raises:
        MidiMappingError: ``document`` is no such content; says which mapping is wrong, and why.
    """
    if unknown := set(document) - {_MAPPINGS, _DISABLED}:
        raise MidiMappingError(f"{min(unknown)!r:.40}; allowed are {_MAPPINGS}, {_DISABLED}")
    entries, disabled = document.get(_MAPPINGS, []), document.get(_DISABLED, [])
    if not isinstance(entries, list) or len(entries) > MAX_MAPPINGS:
        raise MidiMappingError(f"{_MAPPINGS} is no list of at most {MAX_MAPPINGS}")
    if not isinstance(disabled, list) or not all(isinstance(one, str) for one in disabled):
        raise MidiMappingError(f"{_DISABLED} is no list of addresses")
    return MappingTable(
        tuple(_numbered(n, entry) for n, entry in enumerate(entries, 1)), tuple(disabled)
    )


def _entry(mapping: MidiMapping) -> Mapping[str, Any]:
    pattern = mapping.pattern
    return {
        "control": mapping.address,
        "port": pattern.port,
        "channel": None if pattern.channel is None else pattern.channel + 1,
        "kind": pattern.kind,
        "number": pattern.number,
        "low": mapping.low,
        "high": mapping.high,
        "curve": mapping.curve,
        "invert": mapping.invert,
        "takeover": mapping.takeover,
        "relative": mapping.relative or ABSOLUTE,
        "bits": mapping.bits,
        "feedback": mapping.feedback,
    }


def _numbered(number: int, entry: object) -> MidiMapping:
    try:
        return _mapping(entry)
    except MidiMappingError as error:
        raise MidiMappingError(f"map {number}: {error}") from error


def _mapping(entry: object) -> MidiMapping:
    if not isinstance(entry, dict):
        raise MidiMappingError("is no object with names and values")
    allowed = ("control", *_KNOB, *_NUMBERS, *_SWITCHES, *_WORDS, "bits")
    if unknown := set(entry) - set(allowed):
        raise MidiMappingError(f"{min(unknown)!r:.40}; allowed are {', '.join(allowed)}")
    address = _text(entry, "control")
    if address is None:
        raise MidiMappingError("no control")
    options: dict[str, Any] = {
        **{name: _number(entry, name) for name in _NUMBERS if name in entry},
        **{name: _switch(entry, name) for name in _SWITCHES if name in entry},
        **{name: _text(entry, name) for name in _WORDS if name in entry},
    }
    if options.get("relative") == ABSOLUTE:
        options["relative"] = None
    if "bits" in entry:
        options["bits"] = entry["bits"]
    return MidiMapping(address, _pattern(entry), **options)


def _pattern(entry: Mapping[str, Any]) -> KnobPattern:
    channel = entry.get("channel")
    if channel is not None and (type(channel) is not int or not 1 <= channel <= 16):
        raise MidiMappingError(f"channel {channel!r:.40}; allowed are 1 to 16")
    return KnobPattern(
        _text(entry, "port"),
        None if channel is None else channel - 1,
        entry.get("kind"),  # type: ignore[arg-type]  # the class checks it
        entry.get("number", 0),
    )


def _text(entry: Mapping[str, Any], name: str) -> str | None:
    value = entry.get(name)
    if value is not None and not isinstance(value, str):
        raise MidiMappingError(f"{name} {value!r:.40} is no text")
    return value


def _number(entry: Mapping[str, Any], name: str) -> float | None:
    value = entry[name]
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise MidiMappingError(f"{name} {value!r:.40} is no number")
    return float(value)


def _switch(entry: Mapping[str, Any], name: str) -> bool:
    if not isinstance(entry[name], bool):
        raise MidiMappingError(f"{name} {entry[name]!r:.40}; allowed are true and false")
    return bool(entry[name])
