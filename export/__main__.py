"""Write the bundle of a trained run: ``python -m export RUN -o FILE``."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from export.audio.model_input import AudioError
from export.bundle.archive import write_bundle
from export.bundle.format import BundleError, Dimension, StyleStatistics
from export.card import Card, CardError, read_card
from export.contents import make_bundle
from export.graphs.parity import LARGEST_DIFFERENCE, ParityError
from export.graphs.prior import add_prior
from export.style_axes import NamesError, measured_knobs, style_space
from model.checkpoint import CheckpointError, load_instrument, load_style_space


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
        description="Write a trained run as one bundle file for the server. Nothing is written if "
        "the exported graphs differ from the model.",
    )
    add = parser.add_argument
    add("checkpoint", type=Path, help="run folder made by python -m training.fit")
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


def export(settings: ExportSettings) -> None:
    """Read the run, make the bundle, print its parity, and write it."""
    model, progress = load_instrument(settings.checkpoint)
    card = read_card(settings.card) if settings.card else _plain_card(settings, model.config.preset)
    report = _read_report(settings.quality)
    latents, dimensions = _knobs(settings.checkpoint, report)
    bundle, _ = make_bundle(
        model,
        latents,
        dimensions,
        card,
        settings.media,
        training=card.training | progress,
        quality=_shipped(report),
    )
    bundle = add_prior(bundle, settings.checkpoint, model)
    print(f"parity (largest difference, at most {LARGEST_DIFFERENCE:.0e} allowed)")
    for name, value in bundle.manifest.parity.items():
        print(f"  {name:14} {value:.2e}")
    write_bundle(settings.out, bundle)
    size_mb = settings.out.stat().st_size / 1e6
    print(f"{settings.out}: {size_mb:.1f} MB, {len(bundle.decks)} decks")


def _plain_card(settings: ExportSettings, preset: str) -> Card:
    return Card(name=f"{settings.checkpoint.name} ({preset})", licence="not stated")


def _read_report(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        figures = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CardError(f"figures '{path}' cannot be read: {error}") from error
    if not isinstance(figures, dict):
        raise CardError(f"figures '{path}' are not a JSON object; give training.evaluate's")
    return figures


def _knobs(run: Path, report: dict[str, Any]) -> tuple[StyleStatistics, tuple[Dimension, ...]]:
    """Axes and names as measured; without a report, dimensions have numbers only."""
    space = load_style_space(run)
    latents = style_space(space["mean"], space["covariance"])
    numbered = tuple(Dimension(index) for index in range(len(latents.spread)))
    return (measured_knobs(report, run) if report else None) or (latents, numbered)


PATHS = ("checkpoint", "data")
"""Keys of a report that hold paths of the machine it was made on."""

NOT_SHIPPED = ("clips", "pairs", "shown", "dimensions", "style_space", "curve")
"""Keys of a report with lists of single clips, or with the knobs, which the bundle has already."""


def _shipped(report: dict[str, Any]) -> dict[str, Any]:
    """The report without paths, and without figures of single clips."""
    return dict(_summary({name: one for name, one in report.items() if name not in PATHS}))


def _summary(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    # A number called "clips" is a count; only the list of clips is left out.
    return {
        name: _summary(inner)
        for name, inner in value.items()
        if not (name in NOT_SHIPPED and isinstance(inner, list | dict))
    }


def main(argv: list[str] | None = None) -> int:
    """Entry point: 0 on success, 2 on bad input."""
    settings = parse_args(argv)
    try:
        export(settings)
    except (CheckpointError, CardError, AudioError, ParityError, BundleError, NamesError) as error:
        print(f"export: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
