"""How good a trained model is and what its knobs do: ``python -m training.evaluate RUN|BUNDLE``.

Each section measures on music that the model has not heard, and leaves pictures and sounds in the
report's folder: ``report.json`` with every figure, ``index.html`` to read and to listen to. A run
is played by torch; a bundle by ONNX Runtime, with the session that the server plays with.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from export.bundle.format import BundleError, StyleStatistics
from export.style_axes import style_space, weights_digest
from model.checkpoint import CheckpointError, load_instrument, load_style_space
from server.engine.runtime import RuntimeUnavailable
from training.evaluate import interpolation, rendered_pairs, swaps, time_experiments
from training.evaluate.context import EvaluationContext, SectionError
from training.evaluate.figures import table
from training.evaluate.interpolation import interpolation_section
from training.evaluate.reconstruction import reconstruction_section
from training.evaluate.rendered_pairs import transfer_section
from training.evaluate.report_folder import ReportFolder, ReportFolderError
from training.evaluate.swaps import swaps_section
from training.evaluate.time_experiments import time_section
from training.evaluate.traverse import knobs_section
from training.measures.bundle_voice import open_bundle_voice
from training.measures.voice import TorchVoice
from training.report.media_writer import MediaWriter
from training.store.index import SPLITS, StoreError
from training.store.store import Store
from training.support.arguments import (
    DefaultsFormatter,
    OneLineParser,
    excerpt_seconds,
    positive_int,
)

SECTIONS: dict[str, Callable[[EvaluationContext], dict[str, Any]]] = {
    "reconstruction": reconstruction_section,
    "traverse": knobs_section,
    "interpolation": interpolation_section,
    "swaps": swaps_section,
    "transfer": transfer_section,
    "time": time_section,
}

FEWER = (
    f"at most {interpolation.PAIRS} pairs are interpolated, {swaps.PAIRS} swapped, "
    f"{rendered_pairs.PAIRS} compared with rendered ones, and {time_experiments.CLIPS} excerpts "
    "are frozen and looped"
)
"""What ``--clips`` does not raise further: each of these is played many times over."""

USER_ERRORS = (
    BundleError,
    CheckpointError,
    OSError,
    ReportFolderError,
    RuntimeUnavailable,
    SectionError,
    StoreError,
)
"""What the user can set right: told in one line, exit code 2."""


@dataclass(frozen=True)
class EvaluateSettings:
    """What the command line chose."""

    checkpoint: Path
    data: Path
    output: Path
    only: tuple[str, ...]
    clips: int
    seconds: float
    split: str
    seed: int
    shown: int
    threads: int | None


def evaluate(settings: EvaluateSettings) -> dict[str, Any]:
    """Measure a model; the report as plain types, NaN where a figure does not exist.

    Raises:
        one of ``USER_ERRORS``: nothing to measure, or nothing to measure it on.
    """
    with ReportFolder(settings.output) as folder:
        study, model = open_study(settings, folder.draft)
        report = model | {
            "data": str(settings.data),
            "split": settings.split,
            "seed": settings.seed,
            "left_out": {},
        }
        for name in settings.only or SECTIONS:
            try:
                report[name] = SECTIONS[name](study)
            except SectionError as error:
                if settings.only:
                    raise
                report["left_out"][name] = str(error)
        folder.write(report)
    return report


def open_study(
    settings: EvaluateSettings, folder: Path
) -> tuple[EvaluationContext, dict[str, Any]]:
    """The model, opened, with the music it is tried on; and what the report says of the model.

    Raises:
        BundleError, CheckpointError, RuntimeUnavailable: no model there.
        StoreError: no music there, or none of the split, or at another rate.
    """
    opened = _open_bundle(settings) if settings.checkpoint.is_file() else _open_run(settings)
    grid = opened.voice.grid
    store = Store.open_for(settings.data, grid.preset, grid.sample_rate_hz)
    study = EvaluationContext(
        store=store,
        voice=opened.voice,
        images=opened.voice if isinstance(opened.voice, TorchVoice) else None,
        latents=opened.latents,
        fixed_knobs=settings.checkpoint.is_file(),
        album=MediaWriter(folder, grid.sample_rate_hz),
        split=settings.split,
        clips=settings.clips,
        seconds=settings.seconds,
        shown=settings.shown,
        seed=settings.seed,
    )
    study.excerpts(1, settings.seconds)
    about = {
        "checkpoint": str(settings.checkpoint),
        "preset": grid.preset,
        "trained": opened.trained,
        "weights": opened.weights,
    }
    return study, about


@dataclass(frozen=True)
class _Opened:
    voice: Any
    latents: StyleStatistics | None
    trained: dict[str, Any]
    weights: str | None


def _open_bundle(settings: EvaluateSettings) -> _Opened:
    voice = open_bundle_voice(settings.checkpoint, settings.threads or 1)
    trained = dict(voice.bundle.manifest.training)
    return _Opened(voice, voice.bundle.latents, trained, weights=None)


def _open_run(settings: EvaluateSettings) -> _Opened:
    run = settings.checkpoint
    model, progress = load_instrument(run)
    try:
        space = load_style_space(run)
        latents = style_space(space["mean"], space["covariance"])
    except CheckpointError:  # the model plays; only its knobs cannot be turned
        latents = None
    return _Opened(TorchVoice(model), latents, progress, weights_digest(run))


def _sections(text: str) -> tuple[str, ...]:
    """Names between commas, each once."""
    names = tuple(dict.fromkeys(text.split(",")))
    for name in names:
        if name not in SECTIONS:
            allowed = ", ".join(SECTIONS)
            raise argparse.ArgumentTypeError(f"no section '{name}'; choose some of {allowed}")
    return names


def parse_args(argv: list[str] | None = None) -> EvaluateSettings:
    """Options of ``training.evaluate``; exits with 2 and one line on a bad one."""
    parser = OneLineParser(
        prog="python -m training.evaluate",
        description="Held-out figures of a model beside what they must be compared with, what its "
        "knobs do, and a page to listen to.",
        formatter_class=DefaultsFormatter,
    )
    add = parser.add_argument
    add("checkpoint", type=Path, help="run folder of python -m training.fit, or a bundle file")
    add("--data", type=Path, required=True, help="store made by python -m training.prepare")
    add("-o", "--output", type=Path, default=Path("report"), help="folder of the report")
    add(
        "--only",
        type=_sections,
        default=(),
        metavar="NAME,...",
        help=f"sections to measure, of {', '.join(SECTIONS)} (default: all)",
    )
    add("--clips", type=positive_int, default=24, help=f"number of excerpts; {FEWER}")
    add("--seconds", type=excerpt_seconds, default=6.0, help="length of an excerpt, 1 to 60 s")
    add("--split", choices=SPLITS, default="heldout", help="which recordings")
    add("--seed", type=int, default=0, help="of excerpts and noise")
    add("--shown", type=positive_int, default=4, help="how many clips or pairs to listen to")
    add("--threads", type=positive_int, default=None, help="CPU threads (torch's choice)")
    return EvaluateSettings(**vars(parser.parse_args(argv)))


def main(argv: list[str] | None = None) -> int:
    """Command line; 0 on success, 2 on bad input."""
    settings = parse_args(argv)
    if settings.threads:
        torch.set_num_threads(settings.threads)
    try:
        report = evaluate(settings)
    except USER_ERRORS as error:
        print(f"training.evaluate: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("training.evaluate: stopped; the report of before is untouched", file=sys.stderr)
        return 130
    print(table(report))
    print(f"\n{settings.output / 'index.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
