"""MAESTRO: performances of piano works as audio and MIDI, with ``maestro-v3.0.0.csv``.

The official split keeps works apart; a work (composer and title) is a group. The JSON table, read
where there is no CSV, comes in two layouts: a list of performances, or an object for each column.
Composers are named as in the table, "A / B" with an arranger. mirdata's loader downloads its index
and needs pandas and four cloud storage libraries.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from training.datasets.audio_files import audio_files, folder, name_in_store
from training.datasets.listing import (
    OFFICIAL_SPLIT,
    Finding,
    LeftOut,
    ListedFile,
    SourceError,
    clean,
    store_split,
)
from training.datasets.tables import read_csv, read_json, require_columns

_COMPOSER, _TITLE, _AUDIO, _MIDI = (
    "canonical_composer",
    "canonical_title",
    "audio_filename",
    "midi_filename",
)
COLUMNS = (_COMPOSER, _TITLE, "split", "year", _MIDI, _AUDIO)

Row = Mapping[str, str | None]


def find(source: Path) -> Iterator[Finding]:
    """Yield the performances below ``source`` with composer, title, year and MIDI.

    Raises:
        SourceError: no such folder, no table in it, or a damaged one.
    """
    root = folder(source)
    table = _table(root)
    named = set()
    for row in read_rows(table):
        named.add(table.parent / str(row[_AUDIO]))
        yield from _findings(row, table, root)
    files = audio_files(table.parent)
    yield from files.left_out
    for path in files.paths:
        if path not in named:
            yield LeftOut(name_in_store(path, root), "no row", f"not in {table.name}")


def read_rows(table: Path) -> list[Row]:
    """Read the performances of the CSV, or of the JSON in either layout.

    Raises:
        SourceError: not a readable table, or columns are missing.
    """
    if table.suffix == ".csv":
        lines = read_csv(table)
        header = next(lines, [])
        require_columns(table, header, COLUMNS)
        return [dict(zip(header, (*line, *[None] * len(header)), strict=False)) for line in lines]
    return _json_rows(table)


def _json_rows(table: Path) -> list[Row]:
    stored = read_json(table)
    if isinstance(stored, dict):
        require_columns(table, stored, COLUMNS)
        _require_objects(table, stored.values())
        stored = [{c: stored[c].get(key) for c in COLUMNS} for key in stored[_AUDIO]]
    _require_objects(table, stored)
    return [{c: None if row.get(c) is None else str(row[c]) for c in COLUMNS} for row in stored]


def _require_objects(table: Path, values: Any) -> None:
    if not (isinstance(values, Iterable) and all(isinstance(value, dict) for value in values)):
        raise SourceError(f"{table}: not a table of performances; use the CSV of the data set")


def _findings(row: Row, table: Path, root: Path) -> Iterator[Finding]:
    problem = _problem(row)
    if problem:
        yield LeftOut(f"{table.name}: {row[_AUDIO] or 'a row'}", "bad row", problem)
        return
    audio, midi = (table.parent / str(row[column]) for column in (_AUDIO, _MIDI))
    name, midi_name = name_in_store(audio, root), name_in_store(midi, root)
    if not audio.is_file():
        yield LeftOut(name, "missing", f"in {table.name}, but the file does not exist")
        return
    has_midi = midi.is_file()
    if not has_midi:
        yield LeftOut(midi_name, "missing MIDI", "the audio is used without it")
    yield _entry(row, audio, name, midi_name if has_midi else None)


def _problem(row: Row) -> str | None:
    empty = [column for column in COLUMNS if not row[column]]
    if empty:
        return f"no {empty[0]} in this row"
    if store_split(row["split"]) is None:
        return f"'{row['split']}' is not a split"
    paths = [PurePosixPath(str(row[column])) for column in (_AUDIO, _MIDI)]
    if any(path.is_absolute() or ".." in path.parts for path in paths):
        return "a path outside the data set"
    return None


def _entry(row: Row, audio: Path, name: str, midi: str | None) -> ListedFile:
    labels = {"composer": row[_COMPOSER], "title": row[_TITLE], "year": row["year"]}
    facts = clean(labels | {OFFICIAL_SPLIT: row["split"]})
    group = f"maestro/{facts['composer']}: {facts['title']}"
    return ListedFile(audio, name, str(store_split(row["split"])), facts, group, midi)


def _table(root: Path) -> Path:
    for pattern in ("maestro*.csv", "*/maestro*.csv", "maestro*.json", "*/maestro*.json"):
        tables = sorted(root.glob(pattern))
        if tables:
            return tables[-1]
    raise SourceError(f"{root}: no maestro-v3.0.0.csv here; give the unpacked data set's folder")
