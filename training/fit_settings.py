"""The command line of ``python -m training.fit``."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from model.config import PRESETS
from training.arguments import even_int, positive_float, positive_int
from training.precision import PRECISIONS


@dataclass(frozen=True)
class FitSettings:
    """What the command line chose."""

    store: Path
    out: Path
    preset: str
    stages: tuple[int, ...]
    minutes: float
    steps: int
    batch: int
    learning_rate: float
    checkpoint_minutes: float
    resume: bool
    pretrained: bool
    precision: str
    seed: int
    threads: int | None


def parse_args(argv: list[str] | None = None) -> FitSettings:
    """Options of ``training.fit``; exits with 2 and one line on a bad one."""
    parser = argparse.ArgumentParser(
        prog="python -m training.fit",
        description="Train the instrument on a store made by training.prepare.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("store", type=Path, help="folder made by python -m training.prepare")
    add("--out", type=Path, required=True, help="run folder: checkpoints and TensorBoard")
    add("--preset", choices=list(PRESETS), default="small", help="size of the model")
    add("--stage", choices=["1", "2", "all"], default="all", help="1: mels, 2: sound")
    add("--minutes", type=positive_float, default=60.0, help="time of each stage, minutes")
    add("--steps", type=positive_int, default=1_000_000, help="most steps of each stage")
    add("--batch", type=even_int, default=16, help="clips a step, an even number")
    add("--learning-rate", type=positive_float, default=5e-4, help="peak of AdamW's")
    add("--checkpoint-minutes", type=positive_float, default=3.0, help="minutes between them")
    add("--resume", action="store_true", help="go on from the run's last checkpoint")
    add("--pretrained", action="store_true", help="start from torchvision's ImageNet ResNet34")
    add("--precision", choices=PRECISIONS, default="auto", help="bf16 where the machine has it")
    add("--seed", type=int, default=0, help="of data order and weights")
    add("--threads", type=positive_int, default=None, help="CPU threads (torch's choice)")
    options = vars(parser.parse_args(argv))
    stage = options.pop("stage")
    return FitSettings(stages=(1, 2) if stage == "all" else (int(stage),), **options)
