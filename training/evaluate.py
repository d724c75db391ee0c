"""How good a trained model is on music it has not heard: ``python -m training.evaluate RUN``.

Held-out excerpts go through the whole model as a performer hears it - encoded in overlapping
windows, decoded as one stream from memory with the style mean, latency taken out - and are held
against the original, beside the vocoder on true mels, Griffin-Lim on true mels and noise with the
clip's mean spectrum. Levels are not matched first: the model is to get them right.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from model.checkpoint import CheckpointError, load_instrument
from model.config import ModelConfig
from training.arguments import excerpt_seconds, positive_int
from training.comparison_pictures import write_comparison
from training.evaluation_report import TITLES, all_groups, finite_or_none, latent_figures, table
from training.excerpts import Excerpt, draw_excerpts, layout
from training.measuring import (
    GRIFFIN_LIM,
    METRICS,
    MODEL,
    VOCODER,
    ClipFigures,
    image_figures,
    sound_figures,
    sounds,
)
from training.metrics import Samples
from training.rendition import Heard, Rendition
from training.store import SPLITS, Store, StoreError

PICTURED = (MODEL, VOCODER, GRIFFIN_LIM)


@dataclass(frozen=True)
class EvaluateSettings:
    """What the command line chose."""

    checkpoint: Path
    data: Path
    output: Path | None
    clips: int
    seconds: float
    split: str
    seed: int
    pictures: Path | None
    pictured_clips: int
    threads: int | None


def evaluate(settings: EvaluateSettings) -> dict[str, Any]:
    """Measure a run; the report as plain types, NaN where a figure does not exist.

    Raises:
        CheckpointError, StoreError: nothing to measure, or nothing to measure it on.
    """
    model, progress = load_instrument(settings.checkpoint)
    store = open_store_for(model.config, settings.data)
    excerpts = draw_excerpts(
        store, model.config, settings.split, settings.clips, settings.seconds, settings.seed
    )
    by = Rendition(model, layout(model.config, settings.seconds), settings.seed)
    heard = [by.listen(excerpt) for excerpt in _bar(excerpts, "listening")]
    clips = _measure(excerpts, heard, by, settings)
    return {
        "checkpoint": str(settings.checkpoint),
        "preset": model.config.preset,
        "trained": progress,
        "data": str(settings.data),
        "split": settings.split,
        "seed": settings.seed,
        "seconds": by.layout.frames * model.config.features.hop_samples / by.sample_rate_hz,
        "metrics": {one.name: {"unit": one.unit, "better": one.better} for one in METRICS},
        "methods": TITLES,
        "groups": all_groups(clips),
        "latents": latent_figures(heard),
        "clips": [asdict(clip) for clip in clips],
    }


def open_store_for(config: ModelConfig, path: Path) -> Store:
    """The store, which must be at the model's sample rate.

    Raises:
        StoreError: no store, or one at another rate.
    """
    store = Store.open(path)
    if store.sample_rate_hz != config.features.sample_rate_hz:
        raise StoreError(
            f"{path} is at {store.sample_rate_hz} Hz, the checkpoint (preset '{config.preset}') "
            f"at {config.features.sample_rate_hz} Hz; prepare it with --preset {config.preset}"
        )
    return store


def _measure(
    excerpts: Sequence[Excerpt], heard: Sequence[Heard], by: Rendition, settings: EvaluateSettings
) -> list[ClipFigures]:
    mean_style = torch.stack([one.style for one in heard]).mean(dim=0)
    clips = []
    for index, excerpt in enumerate(_bar(excerpts, "measuring")):
        mine, another = heard[index], heard[(index + 1) % len(heard)]
        made = sounds(mine, excerpt, by, settings.seed)
        clips.append(
            ClipFigures(
                excerpt.recording,
                excerpt.kind,
                excerpt.start_s,
                sound_figures(excerpt, made, by),
                image_figures(mine, mean_style, another.style, by),
            )
        )
        if settings.pictures and index < settings.pictured_clips:
            _show(settings.pictures, index, excerpt, made, by.sample_rate_hz)
    return clips


def _show(
    folder: Path, index: int, excerpt: Excerpt, made: dict[str, Samples], sample_rate_hz: int
) -> None:
    shown = {"true": excerpt.truth} | {TITLES[method]: made[method] for method in PICTURED}
    title = f"{Path(excerpt.recording).stem} from {excerpt.start_s:.1f} s"
    write_comparison(folder, f"{index:02d}-{title}", title, shown, sample_rate_hz)


def _bar(excerpts: Sequence[Excerpt], what: str) -> tqdm[Excerpt]:
    return tqdm(excerpts, what, unit="clip", disable=None)


def parse_args(argv: list[str] | None = None) -> EvaluateSettings:
    """Options of ``training.evaluate``; exits with 2 and one line on a bad one."""
    parser = argparse.ArgumentParser(
        prog="python -m training.evaluate",
        description="Held-out figures of a trained run, beside what they must be compared with.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("checkpoint", type=Path, help="run folder of python -m training.fit")
    add("--data", type=Path, required=True, help="store made by python -m training.prepare")
    add("-o", "--output", type=Path, help="write the report here as JSON")
    add("--clips", type=positive_int, default=32, help="number of excerpts")
    add(
        "--seconds",
        type=excerpt_seconds,
        default=6.0,
        help="length of an excerpt, 1 to 60 s",
    )
    add("--split", choices=SPLITS, default="heldout", help="which recordings")
    add("--seed", type=int, default=0, help="of excerpts and noise")
    add("--pictures", type=Path, help="folder for spectrograms (png) and sounds (wav)")
    add("--pictured-clips", type=positive_int, default=4, help="how many excerpts --pictures shows")
    add("--threads", type=positive_int, default=None, help="CPU threads (torch's choice)")
    return EvaluateSettings(**vars(parser.parse_args(argv)))


def main(argv: list[str] | None = None) -> int:
    """Command line; 0 on success, 2 on bad input."""
    settings = parse_args(argv)
    if settings.threads:
        torch.set_num_threads(settings.threads)
    try:
        report = evaluate(settings)
        if settings.output:
            text = json.dumps(finite_or_none(report), indent=2, allow_nan=False)
            settings.output.write_text(text + "\n", encoding="utf-8")
    except (CheckpointError, StoreError, OSError) as error:
        print(f"training.evaluate: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("training.evaluate: stopped", file=sys.stderr)
        return 130
    print(table(report))
    return 0


if __name__ == "__main__":
    sys.exit(main())
