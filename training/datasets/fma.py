"""FMA (small, medium, large, full): ``fma_small/ddd/dddddd.mp3`` and ``fma_metadata/tracks.csv``.

The table has two header rows and a third line that names only the index. The group of a track is
its artist; a track without a top genre (most of ``large`` and ``full``) has no genre label. No
library helps: torchaudio has no FMA, and mirdata only its keys, without the audio. Three tracks
have no audio (``NO_AUDIO``) and are left out; 098565, 098567 and 098569 are much shorter than the
usual 30 s, and are used if they have at least half a second.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from training.datasets.audio_files import audio_files, folder, name_in_store
from training.datasets.listing import (
    OFFICIAL_SPLIT,
    Finding,
    LeftOut,
    ListedFile,
    SourceError,
    clean,
    some_music,
    store_split,
)
from training.datasets.tables import read_csv, require_columns

GENRES = frozenset(
    (
        *("Blues", "Classical", "Country", "Easy Listening", "Electronic", "Experimental"),
        *("Folk", "Hip-Hop", "Instrumental", "International", "Jazz", "Old-Time / Historic"),
        *("Pop", "Rock", "Soul-RnB", "Spoken"),
    )
)
NO_AUDIO = frozenset(("099134", "108925", "133297"))
"""Known faults of the data set: the files with these numbers hold no sound."""
SUBSETS = ("small", "medium", "large", "full")
"""Each subset includes those before it; the table names the smallest that has a track."""

_SPLIT, _SUBSET = ("set", "split"), ("set", "subset")
_GENRE, _LICENCE, _ARTIST = ("track", "genre_top"), ("track", "license"), ("artist", "id")
_COLUMNS = (_SPLIT, _SUBSET, _GENRE, _LICENCE, _ARTIST)
_FAULT = ("known fault", "a track without audio")
_MISSING = ("missing", "in tracks.csv, but the file does not exist")
_TRACK = re.compile(r"\d{6}")


@dataclass(frozen=True)
class FmaTrack:
    """One row of the table, unchanged; None where the row is too short."""

    split: str | None
    subset: str | None
    genre: str | None
    licence: str | None
    artist: str | None

    @property
    def problem(self) -> tuple[str, str] | None:
        """The reason and explanation if the row cannot be used, else None."""
        if self.artist is None or self.licence is None or self.genre is None:
            return "bad row", "its row in tracks.csv is cut short"
        if store_split(self.split) is None:
            return "bad row", f"'{self.split}' in tracks.csv is not a split"
        if self.genre and self.genre not in GENRES:
            return "unknown label", f"'{self.genre}' is not a top genre of FMA"
        return None


def find(source: Path) -> Iterator[Finding]:
    """Yield the tracks below ``source`` with genre, artist, licence and subset.

    Raises:
        SourceError: no such folder, no tracks in it, no table or a damaged one.
    """
    root = folder(source)
    tracks = read_tracks(_table(root))
    files = audio_files(root)
    found = (
        *files.left_out,
        *_findings(files.paths, root, tracks),
        *_absent(files.paths, root, tracks),
    )
    yield from some_music(found, source, "fma_small/000/000002.mp3")


def read_tracks(table: Path) -> dict[str, FmaTrack]:
    """Read the rows of ``tracks.csv``, by six-digit track number.

    Raises:
        SourceError: not a readable table, or columns are missing.
    """
    rows = read_csv(table)
    header = list(zip(next(rows, []), next(rows, []), strict=False))
    require_columns(table, header, _COLUMNS)
    places = [header.index(column) for column in _COLUMNS]
    return {
        f"{int(row[0]):06d}": FmaTrack(*(row[i] if i < len(row) else None for i in places))
        for row in rows
        if row and row[0].isascii() and row[0].isdigit()
    }


def _findings(
    paths: tuple[Path, ...], root: Path, tracks: Mapping[str, FmaTrack]
) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for path in paths:
        name = name_in_store(path, root)
        first = seen.setdefault(path.stem, name)
        track = tracks.get(path.stem)
        if not _TRACK.fullmatch(path.stem):
            yield LeftOut(name, "unknown name", "not named like 000002.mp3")
        elif path.stem in NO_AUDIO:
            yield LeftOut(name, *_FAULT)
        elif first != name:
            yield LeftOut(name, "repeat", f"the same track as {first}")
        elif track is None:
            yield LeftOut(name, "no row", "not in tracks.csv")
        else:
            yield LeftOut(name, *track.problem) if track.problem else _entry(path, name, track)


def _entry(path: Path, name: str, track: FmaTrack) -> ListedFile:
    labels = {
        "genre": track.genre,
        "artist": track.artist,
        "licence": track.licence,
        "subset": track.subset,
        OFFICIAL_SPLIT: track.split,
    }
    group = f"fma/artist {track.artist}" if track.artist else None
    return ListedFile(path, name, str(store_split(track.split)), clean(labels), group)


def _absent(
    paths: tuple[Path, ...], root: Path, tracks: Mapping[str, FmaTrack]
) -> Iterator[LeftOut]:
    """Yield tracks that are missing, judged by folders with names like ``fma_small``."""
    parts = {part for path in paths for part in path.relative_to(root.parent).parts}
    here = [subset for subset in SUBSETS if f"fma_{subset}" in parts]
    if not here:
        return
    wanted = SUBSETS[: SUBSETS.index(here[-1]) + 1]
    found = {path.stem for path in paths}
    for number, track in sorted(tracks.items()):
        if number not in found and (track.subset in wanted or here[-1] == SUBSETS[-1]):
            name = f"fma_{here[-1]}/{number[:3]}/{number}.mp3"
            yield LeftOut(name, *(_FAULT if number in NO_AUDIO else _MISSING))


def _table(root: Path) -> Path:
    places = (root, root / "fma_metadata", root.parent / "fma_metadata", root.parent)
    for place in places:
        if (place / "tracks.csv").is_file():
            return place / "tracks.csv"
    raise SourceError(f"{root}: no fma_metadata/tracks.csv in it or beside it; unpack fma_metadata")
