"""Measure a trained model: ``python -m training.evaluate RUN|BUNDLE``.

Each section measures on held-out music and writes sounds and pictures into the report's folder,
beside ``report.json`` (every figure) and ``index.html`` (a page to read and listen to). A run is
played by torch, a bundle by ONNX Runtime through the server's own decoder session.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch

from export.bundle.format import BundleError
from model.checkpoint import CheckpointError
from server.engine.runtime import RuntimeUnavailable
from training.evaluate.context import EvaluationContext, SectionError
from training.evaluate.evaluated_model import EvaluatedModel, open_evaluated_model
from training.evaluate.report_folder import PAGE, ReportFolder, ReportFolderError
from training.evaluate.sections import SECTIONS, report_text
from training.evaluate.settings import EvaluateSettings, parse_args
from training.report.media_writer import MediaWriter
from training.store.index import StoreError
from training.store.store import Store

USER_ERRORS = (
    BundleError,
    CheckpointError,
    OSError,
    ReportFolderError,
    RuntimeUnavailable,
    SectionError,
    StoreError,
)
"""Errors that the user can fix: printed in one line, exit code 2."""


def main(argv: list[str] | None = None) -> int:
    """Run the command; return 0 on success, 2 on bad input, 130 when interrupted."""
    settings = parse_args(argv)
    if settings.threads:
        torch.set_num_threads(settings.threads)
    try:
        report = evaluate(settings)
    except USER_ERRORS as error:
        print(f"training.evaluate: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("training.evaluate: interrupted; the previous report is unchanged", file=sys.stderr)
        return 130
    print(report_text(report))
    print(f"\n{settings.output / PAGE}")
    return 0


def evaluate(settings: EvaluateSettings) -> dict[str, Any]:
    """Measure a model, write its report, and return it as plain types (NaN for missing figures).

    Raises:
        one of ``USER_ERRORS``: no model or no music to measure, or no place for the report.
    """
    with ReportFolder(settings.output) as folder:
        model = open_evaluated_model(settings.checkpoint, settings.threads)
        context = open_context(settings, model, folder.draft)
        report = about(settings, model)
        for name in settings.only or SECTIONS:
            try:
                report[name] = SECTIONS[name].measure(context)
            except SectionError as error:
                if settings.only:
                    raise
                report["left_out"][name] = str(error)
        folder.write(report)
    return report


def open_context(
    settings: EvaluateSettings, model: EvaluatedModel, media_folder: Path
) -> EvaluationContext:
    """Open the store and return everything that the sections measure with.

    Raises:
        StoreError: no store there, none of the split in it, or another sample rate.
    """
    grid = model.voice.grid
    context = EvaluationContext(
        model=model,
        store=Store.open_for(settings.data, grid.preset, grid.sample_rate_hz),
        media=MediaWriter(media_folder, grid.sample_rate_hz),
        split=settings.split,
        clips=settings.clips,
        seconds=settings.seconds,
        shown=settings.shown,
        seed=settings.seed,
        sources=settings.sources,
    )
    context.excerpts(1, settings.seconds)  # fails now rather than after the first section
    return context


def about(settings: EvaluateSettings, model: EvaluatedModel) -> dict[str, Any]:
    """The part of ``report.json`` that says which model was measured, and on which music."""
    return {
        "checkpoint": str(settings.checkpoint),
        "preset": model.voice.grid.preset,
        "trained": model.trained,
        "weights": model.weights,
        "data": str(settings.data),
        "split": settings.split,
        "seed": settings.seed,
        "left_out": {},
    }


if __name__ == "__main__":
    sys.exit(main())
