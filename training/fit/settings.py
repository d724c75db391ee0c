"""The command line of ``python -m training.fit``."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from model.config import PRESETS
from training.fit.compiling import COMPILE_CHOICES
from training.fit.stages import STAGES, stages_of
from training.support.arguments import (
    DefaultsFormatter,
    OneLineParser,
    even_int,
    positive_float,
    positive_int,
)
from training.support.precision import PRECISIONS


@dataclass(frozen=True)
class FitSettings:
    """The options of the command line; ``minutes`` has one number for each of ``stages``."""

    store: Path
    out: Path
    preset: str
    stages: tuple[int, ...]
    minutes: tuple[float, ...]
    steps: int
    batch: int
    learning_rate: float
    checkpoint_minutes: float
    resume: bool
    pretrained: bool
    init_from: Path | None
    frozen_encoder: bool
    precision: str
    compile: str
    seed: int
    threads: int | None
    devices: int
    nodes: int
    strategy: str


def parse_args(argv: list[str] | None = None) -> FitSettings:
    """Parse the options; exits with 2 and one line on a bad one."""
    parser = _parser()
    options = vars(parser.parse_args(argv))
    stage, minutes = options.pop("stage"), options.pop("minutes")
    chosen = stages_of(PRESETS[options["preset"]]) if stage == "all" else (int(stage),)
    if options["init_from"] and options["pretrained"]:
        parser.error("argument --pretrained: --init-from sets all weights already; leave one out")
    processes = options["devices"] * options["nodes"]
    if options["batch"] % (2 * processes):
        parser.error(
            f"argument --batch: {options['batch']} clips do not spread over {processes} processes "
            f"in pairs; give a multiple of {2 * processes}"
        )
    if len(minutes) not in (1, len(chosen)):
        parser.error(f"argument --minutes: {len(minutes)} numbers for {len(chosen)} stages")
    if len(minutes) == 1:
        minutes *= len(chosen)
    return FitSettings(stages=chosen, minutes=minutes, **options)


def _parser() -> OneLineParser:
    parser = OneLineParser(
        prog="python -m training.fit",
        description="Train the instrument on a store made by training.prepare.",
        formatter_class=DefaultsFormatter,
    )
    add = parser.add_argument
    stages = [*map(str, STAGES), "all"]
    abouts = ", ".join(f"{number}: {stage.about}" for number, stage in STAGES.items())
    add("store", type=Path, help="folder made by python -m training.prepare")
    add("--out", type=Path, required=True, help="run folder: checkpoints and TensorBoard")
    add("--preset", choices=list(PRESETS), default="small", help="size of the model")
    add("--stage", choices=stages, default="all", help=abouts)
    add("--minutes", type=_minutes, default="60", help="of each stage, or one for all: 60,60,40")
    add("--steps", type=positive_int, default=1_000_000, help="most steps of each stage")
    add("--batch", type=even_int, default=16, help="clips per step, an even number")
    add("--learning-rate", type=positive_float, default=5e-4, help="peak learning rate of AdamW")
    add(
        "--checkpoint-minutes", type=positive_float, default=3.0, help="minutes between checkpoints"
    )
    add("--resume", action="store_true", help="go on from the run's last checkpoint")
    add("--pretrained", action="store_true", help="start from torchvision's ImageNet ResNet34")
    add(
        "--init-from",
        type=Path,
        help="bundle, run or file of weights that a new run begins with; full takes small's too",
    )
    add(
        "--frozen-encoder",
        action="store_true",
        help="stage 1 trains the decoder alone: decks and the prior stay valid",
    )
    add("--precision", choices=PRECISIONS, default="auto", help="auto: bf16 if the machine has it")
    add("--compile", choices=COMPILE_CHOICES, default="auto", help="torch.compile; auto: on a GPU")
    add("--seed", type=int, default=0, help="seed of data order and weights")
    add("--threads", type=positive_int, default=None, help="CPU threads (default: torch's choice)")
    add("--devices", type=positive_int, default=_torchrun("LOCAL"), help="processes, one per GPU")
    add("--nodes", type=positive_int, default=_torchrun("GROUP"), help="machines")
    add("--strategy", choices=["auto", "ddp"], default="auto", help="Fabric's, for several devices")
    return parser


def _torchrun(level: str) -> int:
    """Number of processes ("LOCAL") or machines ("GROUP") that torchrun started, else 1."""
    return int(os.environ.get(f"{level}_WORLD_SIZE", "1"))


def _minutes(text: str) -> tuple[float, ...]:
    """Parse one number, or several separated by commas."""
    return tuple(positive_float(part) for part in text.split(","))
