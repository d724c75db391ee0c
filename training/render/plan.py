"""Which scores are rendered, and with what: drawn before anything is played."""

from __future__ import annotations

import argparse
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from training.render.midi_pieces import (
    Instrumentation,
    MidiPiece,
    cut,
    instrumentations,
    named_instrumentation,
    read_score,
    vary,
)

SUFFIXES = (".mid", ".midi")
VARIED_BY = ("seed", "seconds_max")
"""Options with other values of which a score is played faster, higher, longer: as no pair."""


class RenderError(ValueError):
    """Options or scores with which nothing can be rendered."""


@dataclass(frozen=True)
class Source:
    """A MIDI file and the name its score goes by."""

    path: Path
    name: str


@dataclass(frozen=True)
class Part:
    """One rendering to make: a varied score, its instruments, and where it goes."""

    score_name: str
    score: MidiPiece
    instrumentation: Instrumentation
    soundfont: Path
    target: Path
    heldout: bool
    varied_by: Mapping[str, float]

    @property
    def entry(self) -> dict[str, object]:
        """What ``pairs.json`` says about the file."""
        label = self.instrumentation.label
        facts = {"score": self.score_name, "instrument": label, "heldout": self.heldout}
        return {**facts, **self.varied_by}


def find_scores(given: Sequence[Path]) -> list[Source]:
    """The MIDI files given, and those below the folders given.

    Raises:
        RenderError: one does not exist, there is no MIDI, or two go by the same name.
    """
    sources = [source for path in given for source in _expand(path)]
    if not sources:
        raise RenderError(f"no {' or '.join(SUFFIXES)} files in these folders")
    doubled = [name for name, n in Counter(source.name for source in sources).items() if n > 1]
    if doubled:
        raise RenderError(f"two scores go by the name {doubled[0]}; rename one or render apart")
    return sources


def _expand(path: Path) -> Iterator[Source]:
    if path.is_file():
        yield Source(path, f"{path.resolve().parent.name}/{path.stem}")
        return
    if not path.is_dir():
        raise RenderError(f"{path}: no such file or folder; give MIDI files or folders of them")
    root = path.resolve()
    for found in sorted(p for p in root.rglob("*") if p.suffix.lower() in SUFFIXES):
        inside = found.relative_to(root).with_suffix("").as_posix()
        yield Source(found, f"{root.name}/{inside}")


def choose(sources: list[Source], scores_max: int | None, seed: int) -> list[Source]:
    """``scores_max`` of the scores, drawn; all where it is None."""
    if scores_max is None or scores_max >= len(sources):
        return sources
    rng = np.random.default_rng(seed)
    return [sources[i] for i in sorted(rng.permutation(len(sources))[:scores_max])]


def require_same_variation(
    sources: Sequence[Source], options: argparse.Namespace, pairs: Mapping[str, Mapping[str, Any]]
) -> None:
    """Make sure that what was rendered of these scores before was varied as they will be.

    Renderings of before this was noted count as such.

    Raises:
        RenderError: one was not.
    """
    names, folder = {source.name for source in sources}, options.output
    for file_name, entry in pairs.items():
        if entry["score"] not in names or not (folder / file_name).is_file():
            continue
        for name, asked in _varied_by(options).items():
            if entry.get(name, asked) != asked:
                raise RenderError(
                    f"{folder}: {entry['score']} was rendered with "
                    f"--{name.replace('_', '-')} {entry[name]}; give that, or another --output"
                )


def _varied_by(options: argparse.Namespace) -> dict[str, float]:
    return {name: getattr(options, name) for name in VARIED_BY}


def parts_of(source: Source, options: argparse.Namespace, heldout: bool) -> Iterator[Part]:
    """The renderings of one score; what is drawn depends on the seed and its name alone.

    Raises:
        ScoreError: it cannot be read.
        InstrumentError: an instrument was named that there is not.
    """
    rng = np.random.default_rng([options.seed, zlib.crc32(source.name.encode())])
    score = cut(vary(read_score(source.path), rng), options.seconds_max)
    soundfont = options.soundfont[int(rng.integers(len(options.soundfont)))]
    for players in _instruments(score, options, rng):
        target = options.output / f"{_file_name(source.name)}__{players.label}.flac"
        yield Part(source.name, score, players, soundfont, target, heldout, _varied_by(options))


def _instruments(
    score: MidiPiece, options: argparse.Namespace, rng: np.random.Generator
) -> tuple[Instrumentation, ...]:
    if options.instruments is None:
        return instrumentations(score, options.instruments_random, rng)
    labels = dict.fromkeys(options.instruments.split(","))
    return tuple(named_instrumentation(score, label) for label in labels)


def _file_name(score_name: str) -> str:
    return re.sub(r"[^\w.+-]+", "-", score_name)
