"""Write the bundle of a trained run: ``python -m export RUN -o FILE``."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from export.audio import AudioError
from export.bundle import BundleError, write_bundle
from export.card import Card, CardError, read_card
from export.contents import make_bundle
from export.parity import LARGEST_DIFFERENCE, ParityError
from model.checkpoint import CheckpointError, load_instrument, load_style_space


@dataclass(frozen=True)
class ExportSettings:
    """What the command line chose."""

    checkpoint: Path
    out: Path
    card: Path | None
    media: Path
    quality: Path | None


def parse_args(argv: list[str] | None = None) -> ExportSettings:
    """Options of ``export``; exits with 2 and one line on a bad one."""
    parser = argparse.ArgumentParser(
        prog="python -m export",
        description="Write a trained run as one bundle file that the server plays. Refused where "
        "the exported graphs differ from the model.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("checkpoint", type=Path, help="run folder made by python -m training.fit")
    add("-o", "--out", type=Path, required=True, help="bundle file to write")
    add("--card", type=Path, help="JSON: name, licence, attribution, training, decks")
    add("--media", type=Path, default=Path(), help="folder of the card's recordings")
    add("--quality", type=Path, help="JSON of training.evaluate, kept in the manifest")
    return ExportSettings(**vars(parser.parse_args(argv)))


def export(settings: ExportSettings) -> None:
    """Read the run, make the bundle, print parity, write."""
    model, progress = load_instrument(settings.checkpoint)
    card = read_card(settings.card) if settings.card else _plain_card(settings, model.config.preset)
    bundle, parity = make_bundle(
        model,
        load_style_space(settings.checkpoint),
        card,
        settings.media,
        training=card.training | progress,
        quality=_read_quality(settings.quality),
    )
    print(f"parity (largest difference, at most {LARGEST_DIFFERENCE:.0e} allowed)")
    for name, value in parity.to_dict().items():
        print(f"  {name:14} {value:.2e}")
    write_bundle(settings.out, bundle)
    size_mb = settings.out.stat().st_size / 1e6
    print(f"{settings.out}: {size_mb:.1f} MB, {len(bundle.decks)} decks")


def _plain_card(settings: ExportSettings, preset: str) -> Card:
    return Card(name=f"{settings.checkpoint.name} ({preset})", licence="not stated")


def _read_quality(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        figures = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CardError(f"figures '{path}' cannot be read: {error}") from error
    if not isinstance(figures, dict):
        raise CardError(f"figures '{path}' are no JSON object; give what training.evaluate wrote")
    return {name: value for name, value in figures.items() if name not in NOT_SHIPPED}


NOT_SHIPPED = ("checkpoint", "data", "clips")
"""Of a report: paths of the machine it was made on, and the figures of single clips."""


def main(argv: list[str] | None = None) -> int:
    """Command line; 0 on success, 2 on bad input."""
    settings = parse_args(argv)
    try:
        export(settings)
    except (CheckpointError, CardError, AudioError, ParityError, BundleError) as error:
        print(f"export: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
