"""IRMAS: predominant instruments in excerpts of 3 s (training) and longer ones (test).

Training: ``<ins>/[ins][dru|nod][genre]NNNN__k.wav``, tags optional, sometimes a number before
them; the instrument is the folder's name, because ``[cla]`` is both clarinet and classical.
Excerpts ``__1`` to ``__3`` of recording NNNN are one group. Test: ``<name>.wav`` beside
``<name>.txt`` with a label and a tab on each line. mirdata's loader takes only the exact files of
its index, which it downloads, and needs pandas and four cloud storage libraries.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from training.datasets.audio_files import audio_files, folder, name_in_store
from training.datasets.listing import (
    OFFICIAL_SPLIT,
    Finding,
    LeftOut,
    ListedFile,
    clean,
    some_music,
    store_split,
)
from training.store.index import LABEL_SEPARATOR

INSTRUMENTS = frozenset(
    ("cel", "cla", "flu", "gac", "gel", "org", "pia", "sax", "tru", "vio", "voi")
)
DRUMS = {"dru": "yes", "nod": "no"}
GENRES = frozenset(("cla", "cou_fol", "jaz_blu", "lat_sou", "pop_roc"))

_EXCERPT = re.compile(r"(?:\d+_*(?=\[))?(?P<tags>(?:\[\w+\])*)(?P<recording>\d+)__\d+")
_PART = re.compile(r"[-_ ]\d+$")


def find(source: Path) -> Iterator[Finding]:
    """Yield the excerpts below ``source`` with their instrument, or several in the test part.

    Raises:
        SourceError: no such folder, or no IRMAS in it.
    """
    root = folder(source)
    files = audio_files(root)
    found = (*files.left_out, *(_finding(path, root) for path in files.paths))
    yield from some_music(found, source, "IRMAS-TrainingData/cel/[cel][cla]0001__1.wav")


def _finding(path: Path, root: Path) -> Finding:
    name = name_in_store(path, root)
    labels_file = path.with_suffix(".txt")
    if labels_file.is_file():
        return _test_excerpt(path, name, labels_file)
    match = _EXCERPT.fullmatch(path.stem)
    if not match:
        return LeftOut(
            name, "no labels", "not named [ins]NNNN__k.wav, and no .txt with labels beside it"
        )
    if path.parent.name not in INSTRUMENTS:
        return LeftOut(name, "unknown label", f"'{path.parent.name}' is not an instrument of IRMAS")
    labels = _tags(match["tags"], path.parent.name) | {
        "instrument": path.parent.name,
        OFFICIAL_SPLIT: "train",
    }
    return ListedFile(path, name, "train", labels, f"irmas/{int(match['recording']):04d}")


def _tags(tags: str, instrument: str) -> dict[str, str]:
    """Drums and genre of ``[cel][nod][cla]``; a first tag that is the instrument is skipped."""
    words = re.findall(r"\w+", tags)
    rest = words[1:] if words[:1] == [instrument] else words
    drums = [DRUMS[word] for word in rest if word in DRUMS]
    genres = [word for word in rest if word in GENRES]
    return clean({"drums": "".join(drums[:1]), "genre": "".join(genres[:1])})


def _test_excerpt(path: Path, name: str, labels_file: Path) -> Finding:
    try:
        words = labels_file.read_text(encoding="utf-8-sig").split()
    except (OSError, UnicodeDecodeError) as error:
        return LeftOut(name, "no labels", f"{labels_file.name} cannot be read ({error})")
    unknown = [word for word in words if word not in INSTRUMENTS]
    if unknown:
        return LeftOut(name, "unknown label", f"'{unknown[0]}' is not an instrument of IRMAS")
    if not words:
        return LeftOut(name, "no labels", f"{labels_file.name} is empty")
    labels = {"instrument": LABEL_SEPARATOR.join(dict.fromkeys(words)), OFFICIAL_SPLIT: "test"}
    group = f"irmas/{_PART.sub('', path.stem)}"
    return ListedFile(path, name, str(store_split("test")), clean(labels), group)
