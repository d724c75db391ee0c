"""The command line of ``python -m training.evaluate``."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from training.evaluate.sections import SECTIONS
from training.store.index import SPLITS
from training.support.arguments import (
    DefaultsFormatter,
    OneLineParser,
    excerpt_seconds,
    positive_int,
)


@dataclass(frozen=True)
class EvaluateSettings:
    """The options of the command line; ``only`` is empty for all sections."""

    checkpoint: Path
    data: Path
    sources: tuple[Path, ...]
    output: Path
    only: tuple[str, ...]
    clips: int
    seconds: float
    split: str
    seed: int
    shown: int
    threads: int | None


def parse_args(argv: list[str] | None = None) -> EvaluateSettings:
    """Parse the options of ``training.evaluate``; a bad one exits with 2 and one line."""
    parser = OneLineParser(
        prog="python -m training.evaluate",
        description="Measure a model on held-out music, beside the methods it has to beat, find "
        "out what its knobs do, and write a page to read and listen to.",
        formatter_class=DefaultsFormatter,
    )
    limits = "; ".join(f"{one.name}: {one.limit}" for one in SECTIONS.values() if one.limit)
    add = parser.add_argument
    add("checkpoint", type=Path, help="run folder of python -m training.fit, or a bundle file")
    add("--data", type=Path, required=True, help="store made by python -m training.prepare")
    add(
        "--sources",
        type=Path,
        action="append",
        default=[],
        metavar="FOLDER",
        help="folder of recordings that the store was made from, to hear its files in stereo, at "
        "their own rate; may be repeated (default: the store's own sound, mono)",
    )
    add("-o", "--output", type=Path, default=Path("report"), help="folder for the report")
    add(
        "--only",
        type=_sections,
        default=(),
        metavar="NAME,...",
        help=f"sections to measure, of {', '.join(SECTIONS)} (default: all)",
    )
    add("--clips", type=positive_int, default=24, help=f"number of excerpts; {limits}")
    add("--seconds", type=excerpt_seconds, default=6.0, help="length of an excerpt, 1 to 60 s")
    add("--split", choices=SPLITS, default="heldout", help="recordings to measure on")
    add("--seed", type=int, default=0, help="seed of excerpts and noise")
    add("--shown", type=positive_int, default=4, help="clips or pairs to show in each section")
    add("--threads", type=positive_int, default=None, help="CPU threads (default: torch's choice)")
    options = vars(parser.parse_args(argv))
    for folder in options["sources"]:
        if not folder.is_dir():
            parser.error(f"--sources: no folder {folder}")
    return EvaluateSettings(**options | {"sources": tuple(options["sources"])})


def _sections(text: str) -> tuple[str, ...]:
    """Section names separated by commas, each once."""
    names = tuple(dict.fromkeys(text.split(",")))
    for name in names:
        if name not in SECTIONS:
            allowed = ", ".join(SECTIONS)
            raise argparse.ArgumentTypeError(f"no section '{name}'; choose from {allowed}")
    return names
