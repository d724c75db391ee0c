"""Write the bundle of a trained run, or renew an older one: ``python -m export RUN -o FILE``."""

from __future__ import annotations

import sys

from export.audio.errors import AudioError
from export.bundle.archive import write_bundle
from export.bundle.format import Bundle, BundleError
from export.card import Card, CardError, read_card
from export.contents import make_bundle
from export.from_bundle import renewed_bundle
from export.graphs.parity import LARGEST_DIFFERENCE, ParityError
from export.graphs.prior import add_prior
from export.report import ReportError, read_report, shipped_figures
from export.settings import ExportSettings, parse_args
from export.style_axes import NamesError, knobs_of
from model.checkpoint import CheckpointError, load_instrument

ERRORS = (
    CheckpointError,
    CardError,
    ReportError,
    AudioError,
    ParityError,
    BundleError,
    NamesError,
)
"""Errors that the user can fix: one line and exit code 2."""


def main(argv: list[str] | None = None) -> int:
    """Entry point: 0 on success, 2 on bad input."""
    settings = parse_args(argv)
    try:
        export(settings)
    except ERRORS as error:
        print(f"export: {error}", file=sys.stderr)
        return 2
    return 0


def export(settings: ExportSettings) -> None:
    """Read the run or bundle, make the bundle, print its parity, and write it.

    Raises:
        CheckpointError, CardError, ReportError, NamesError: an input is missing or unusable.
        AudioError: a deck's recording cannot be used.
        ParityError: a graph differs from the model.
        BundleError: the bundle cannot be written, or the older one cannot be read.
    """
    bundle = _renewed(settings) if settings.checkpoint.is_file() else _of_run(settings)
    print(f"parity (largest difference, at most {LARGEST_DIFFERENCE:.0e} allowed)")
    for name, value in bundle.manifest.parity.items():
        print(f"  {name:14} {value:.2e}")
    write_bundle(settings.out, bundle)
    size_mb = settings.out.stat().st_size / 1e6
    recorded = sum(bool(deck.recording) for deck in bundle.decks.values())
    print(f"{settings.out}: {size_mb:.1f} MB, {len(bundle.decks)} decks, {recorded} recordings")


def _renewed(settings: ExportSettings) -> Bundle:
    """An older bundle in the present format."""
    if settings.quality:
        raise ReportError(
            f"figures '{settings.quality}' are of a run, and a bundle keeps its own; leave out "
            "--quality, or export the run"
        )
    card = read_card(settings.card) if settings.card else None
    bundle, missing = renewed_bundle(settings.checkpoint, card, settings.media)
    for line in missing:
        print(line)
    return bundle


def _of_run(settings: ExportSettings) -> Bundle:
    model, progress = load_instrument(settings.checkpoint)
    card = read_card(settings.card) if settings.card else _plain_card(settings, model.config.preset)
    report = read_report(settings.quality) if settings.quality else {}
    latents, dimensions = knobs_of(settings.checkpoint, report)
    bundle, _ = make_bundle(
        model,
        latents,
        dimensions,
        card,
        settings.media,
        training=card.training | progress,
        quality=shipped_figures(report),
    )
    return add_prior(bundle, settings.checkpoint, model)


def _plain_card(settings: ExportSettings, preset: str) -> Card:
    return Card(name=f"{settings.checkpoint.name} ({preset})", licence="not stated")


if __name__ == "__main__":
    sys.exit(main())
