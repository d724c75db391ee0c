"""The mappings as a document that a person can read and edit: ``midi.json``.

    {"midi maps": 1,
     "maps": [{"control": "/latent/3", "port": "nanoKONTROL2", "channel": 1, "kind": "cc",
               "number": 16, "takeover": "pick-up"}],
     "without usual knob": ["/interp"]}

Channels are 1 to 16. No port or channel: any. What else is missing is as it is unless set
otherwise. Controls that the model does not have are kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from server.midi.mappings.mapping import KnobPattern, MidiMap, MidiMapError
from server.midi.mappings.mapping_options import PLACE
from server.midi.mappings.mapping_table import MappingTable

FILE_NAME = "midi.json"
KIND = "midi maps"
MAX_MAPS = 4096

_WITHOUT = "without usual knob"
_KNOB = ("port", "channel", "kind", "number")
_NUMBERS = ("low", "high")
_SWITCHES = ("invert", "feedback")
_WORDS = ("curve", "takeover", "relative")


def document_of(book: MappingTable) -> Mapping[str, Any]:
    """What is written of ``book``: what was learned."""
    return {"maps": [_entry(one) for one in book.learned], _WITHOUT: list(book.off)}


def book_of(document: Mapping[str, Any]) -> MappingTable:
    """The book that ``document`` says.

    Raises:
        MidiMapError: it is no such document; which mapping is wrong, and why.
    """
    if unknown := set(document) - {"maps", _WITHOUT}:
        raise MidiMapError(f"{min(unknown)!r:.40} is nothing of maps")
    entries, off = document.get("maps", []), document.get(_WITHOUT, [])
    if not isinstance(entries, list) or len(entries) > MAX_MAPS:
        raise MidiMapError(f"maps is no list of at most {MAX_MAPS}")
    if not isinstance(off, list) or not all(isinstance(address, str) for address in off):
        raise MidiMapError(f"{_WITHOUT} is no list of addresses")
    return MappingTable(
        tuple(_numbered(n, entry) for n, entry in enumerate(entries, 1)), tuple(off)
    )


def _entry(one: MidiMap) -> Mapping[str, Any]:
    knobs = one.knobs
    return {
        "control": one.address,
        "port": knobs.port,
        "channel": None if knobs.channel is None else knobs.channel + 1,
        "kind": knobs.kind,
        "number": knobs.number,
        "low": one.low,
        "high": one.high,
        "curve": one.curve,
        "invert": one.invert,
        "takeover": one.takeover,
        "relative": one.relative or PLACE,
        "bits": one.bits,
        "feedback": one.feedback,
    }


def _numbered(number: int, entry: object) -> MidiMap:
    try:
        return _map(entry)
    except MidiMapError as error:
        raise MidiMapError(f"map {number}: {error}") from error


def _map(entry: object) -> MidiMap:
    if not isinstance(entry, dict):
        raise MidiMapError("is no object with names and values")
    allowed = ("control", *_KNOB, *_NUMBERS, *_SWITCHES, *_WORDS, "bits")
    if unknown := set(entry) - set(allowed):
        raise MidiMapError(f"{min(unknown)!r:.40}; allowed are {', '.join(allowed)}")
    address = _text(entry, "control")
    if address is None:
        raise MidiMapError("no control")
    options = {name: _number(entry, name) for name in _NUMBERS if name in entry}
    switches = {name: _switch(entry, name) for name in _SWITCHES if name in entry}
    words = {name: _text(entry, name) for name in _WORDS if name in entry}
    if words.get("relative") == PLACE:
        words["relative"] = None
    bits = {"bits": entry["bits"]} if "bits" in entry else {}
    return MidiMap(address, _knobs(entry), **options, **switches, **words, **bits)  # type: ignore[arg-type]


def _knobs(entry: Mapping[str, Any]) -> KnobPattern:
    channel = entry.get("channel")
    if channel is not None and (type(channel) is not int or not 1 <= channel <= 16):
        raise MidiMapError(f"channel {channel!r:.40}; allowed are 1 to 16")
    return KnobPattern(
        _text(entry, "port"),
        None if channel is None else channel - 1,
        entry.get("kind"),  # type: ignore[arg-type]  # the class checks it
        entry.get("number", 0),
    )


def _text(entry: Mapping[str, Any], name: str) -> str | None:
    value = entry.get(name)
    if value is not None and not isinstance(value, str):
        raise MidiMapError(f"{name} {value!r:.40} is no text")
    return value


def _number(entry: Mapping[str, Any], name: str) -> float | None:
    value = entry[name]
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise MidiMapError(f"{name} {value!r:.40} is no number")
    return float(value)


def _switch(entry: Mapping[str, Any], name: str) -> bool:
    if not isinstance(entry[name], bool):
        raise MidiMapError(f"{name} {entry[name]!r:.40}; allowed are true and false")
    return bool(entry[name])
