"""The renderings to make: variation and instruments, drawn before anything is played."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from training.render.midi_pieces import (
    Instrumentation,
    MidiPiece,
    MidiPieceError,
    cut,
    instrumentations,
    named_instrumentation,
    read_piece,
    vary,
)
from training.render.pieces import PieceFile
from training.render.settings import RenderError, RenderSettings
from training.support.skipped import Skipped


@dataclass(frozen=True)
class Rendering:
    """One file to make: a varied piece, its instruments, and where it goes."""

    piece_name: str
    piece: MidiPiece
    instrumentation: Instrumentation
    soundfont: Path
    target: Path
    heldout: bool
    variation: Mapping[str, float]

    @property
    def entry(self) -> dict[str, object]:
        """The file's entry in ``pairs.json``."""
        label = self.instrumentation.label
        facts = {"score": self.piece_name, "instrument": label, "heldout": self.heldout}
        return {**facts, **self.variation}


def plan(
    pieces: Sequence[PieceFile], settings: RenderSettings, skipped: Skipped
) -> Iterator[Rendering]:
    """Yield every rendering of the pieces; a broken MIDI file is skipped."""
    for number, piece in enumerate(pieces, start=1):
        heldout = bool(settings.heldout_every) and number % settings.heldout_every == 0
        try:
            yield from renderings_of(piece, settings, heldout)
        except MidiPieceError as error:
            skipped.add("broken", f"skipped (broken): {error}")


def renderings_of(file: PieceFile, settings: RenderSettings, heldout: bool) -> Iterator[Rendering]:
    """Yield the renderings of one piece, drawn from the seed and its name alone.

    Raises:
        MidiPieceError: it cannot be read.
        InstrumentError: ``--instruments`` names one that does not exist.
    """
    rng = np.random.default_rng([settings.seed, zlib.crc32(file.name.encode())])
    piece = cut(vary(read_piece(file.path), rng), settings.seconds_max)
    soundfont = settings.soundfonts[int(rng.integers(len(settings.soundfonts)))]
    for players in _instruments(piece, settings, rng):
        target = settings.output / f"{_file_name(file.name)}__{players.label}.flac"
        yield Rendering(file.name, piece, players, soundfont, target, heldout, settings.variation)


def require_same_variation(
    pieces: Sequence[PieceFile], settings: RenderSettings, pairs: Mapping[str, Mapping[str, Any]]
) -> None:
    """Check that present renderings of these pieces have the variation of the settings.

    Renderings made before ``pairs.json`` held the variation count as having it.

    Raises:
        RenderError: one has another.
    """
    names, folder = {piece.name for piece in pieces}, settings.output
    for file_name, entry in pairs.items():
        if entry["score"] not in names or not (folder / file_name).is_file():
            continue
        for option, value in settings.variation.items():
            if entry.get(option, value) != value:
                raise RenderError(
                    f"{folder}: {entry['score']} was rendered with "
                    f"--{option.replace('_', '-')} {entry[option]}; give that, or another --output"
                )


def is_present(rendering: Rendering, pairs: Mapping[str, object]) -> bool:
    """True if a file is there and listed in ``pairs.json``."""
    return rendering.target.name in pairs and rendering.target.is_file()


def _instruments(
    piece: MidiPiece, settings: RenderSettings, rng: np.random.Generator
) -> tuple[Instrumentation, ...]:
    if settings.instruments is None:
        return instrumentations(piece, settings.instruments_random, rng)
    labels = dict.fromkeys(settings.instruments.split(","))
    return tuple(named_instrumentation(piece, label) for label in labels)


def _file_name(piece_name: str) -> str:
    return re.sub(r"[^\w.+-]+", "-", piece_name)
