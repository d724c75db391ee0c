"""The command line of ``python -m export``."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ExportSettings:
    """The options of the command line."""

    checkpoint: Path
    out: Path
    card: Path | None
    media: Path
    quality: Path | None


def parse_args(argv: list[str] | None = None) -> ExportSettings:
    """Parse the options; exits with 2 on a bad one."""
    parser = argparse.ArgumentParser(
        prog="python -m export",
        description="Write a trained run as one bundle file for the server, or an older bundle "
        "in the present format. Nothing is written if the exported graphs differ from the model.",
    )
    add = parser.add_argument
    add(
        "checkpoint",
        type=Path,
        help="run folder made by python -m training.fit, or a bundle: its weights, knobs, decks "
        "and figures are kept, and recordings that --card and --media name are added to its decks",
    )
    add("-o", "--out", type=Path, required=True, help="bundle file to write")
    add("--card", type=Path, help="JSON: name, licence, attribution, training, decks")
    add("--media", type=Path, default=Path(), help="folder of the card's recordings (default: .)")
    add(
        "--quality",
        type=Path,
        help="report.json of training.evaluate: its figures go into the manifest, and its axes and "
        "names of style dimensions become the knobs",
    )
    return ExportSettings(**vars(parser.parse_args(argv)))
