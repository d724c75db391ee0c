"""NSynth: ``nsynth-{train,valid,test}/audio/<note>.wav`` and ``examples.json`` beside ``audio``.

The group of a note is its instrument (``bass_synthetic_033``); the official split keeps instruments
apart. ``synth_lead`` occurs in the training part only. Neither torchaudio nor mirdata has NSynth.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from training.datasets.audio_files import FolderListing, audio_files, folder, name_in_store
from training.datasets.listing import (
    OFFICIAL_SPLIT,
    Finding,
    LeftOut,
    ListedFile,
    SourceError,
    clean,
    store_split,
)
from training.datasets.tables import read_json

TABLE = "examples.json"
FAMILIES = frozenset(
    (
        *("bass", "brass", "flute", "guitar", "keyboard", "mallet"),
        *("organ", "reed", "string", "synth_lead", "vocal"),
    )
)
_KEYS = ("instrument_str", "instrument_family_str", "instrument_source_str", "pitch", "velocity")


def find(source: Path) -> Iterator[Finding]:
    """Yield the notes below ``source`` with instrument family, source, pitch (MIDI) and velocity.

    Raises:
        SourceError: no such folder, no ``examples.json`` in it, or a damaged one.
    """
    root = folder(source)
    tables = sorted(root.rglob(TABLE))
    if not tables:
        raise SourceError(f"{source}: no nsynth-train/{TABLE} here; unpack the JSON/WAV archives")
    for table in tables:
        yield from _part(table, root)


def _part(table: Path, root: Path) -> Iterator[Finding]:
    """Yield the notes of train, valid or test, as the folder is named."""
    official = table.parent.name.rpartition("-")[2]
    split = store_split(official)
    if split is None:
        raise SourceError(f"{table.parent}: name this folder nsynth-train, -valid or -test")
    notes = read_json(table)
    if not isinstance(notes, dict):
        raise SourceError(f"{table}: not a table of notes; unpack it again")
    files = audio_files(table.parent)
    yield from files.left_out
    yield from _present(files, root, notes, official)
    found = {path.stem for path in files.paths}
    for note in sorted(notes.keys() - found):
        name = name_in_store(table.parent / "audio" / f"{note}.wav", root)
        yield LeftOut(name, "missing", f"in {TABLE}, but the file does not exist")


def _present(
    files: FolderListing, root: Path, notes: Mapping[str, Any], official: str
) -> Iterator[Finding]:
    for path in files.paths:
        name = name_in_store(path, root)
        problem = _problem(path.stem, notes)
        yield LeftOut(name, *problem) if problem else _entry(path, name, notes[path.stem], official)


def _problem(note: str, notes: Mapping[str, Any]) -> tuple[str, str] | None:
    if note not in notes:
        return "no row", f"not in {TABLE}"
    facts = notes[note]
    missing = [key for key in _KEYS if not isinstance(facts, dict) or facts.get(key) is None]
    if missing:
        return "bad row", f"{TABLE} has no {missing[0]} for it"
    if facts["instrument_family_str"] not in FAMILIES:
        return "unknown label", f"'{facts['instrument_family_str']}' is not a family of NSynth"
    return None


def _entry(path: Path, name: str, facts: Mapping[str, Any], official: str) -> ListedFile:
    labels = {
        "instrument": facts["instrument_family_str"],
        "source": facts["instrument_source_str"],
        "pitch": str(facts["pitch"]),
        "velocity": str(facts["velocity"]),
        OFFICIAL_SPLIT: official,
    }
    group = f"nsynth/{facts['instrument_str']}"
    return ListedFile(path, name, str(store_split(official)), clean(labels), group)
