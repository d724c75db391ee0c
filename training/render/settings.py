"""The command line of ``python -m training.render``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from training.support.arguments import OneLineParser


class RenderError(ValueError):
    """Options or MIDI files that nothing can be rendered from."""


@dataclass(frozen=True)
class RenderSettings:
    """The options of the command line."""

    midi: tuple[Path, ...]
    output: Path
    soundfonts: tuple[Path, ...]
    instruments: str | None
    instruments_random: int
    seconds_max: float
    pieces_max: int | None
    heldout_every: int
    gain: float
    seed: int
    jobs: int

    @property
    def variation(self) -> dict[str, float]:
        """The options that set a piece's tempo, key and length: renderings with other values are
        no pair."""
        return {"seed": self.seed, "seconds_max": self.seconds_max}


def parse_args(argv: Sequence[str] | None = None) -> RenderSettings:
    """Parse the options; exits with 2 and one line on a bad one."""
    options = vars(_parser().parse_args(argv))
    return RenderSettings(
        midi=tuple(options.pop("midi")),
        soundfonts=tuple(options.pop("soundfont")),
        pieces_max=options.pop("scores_max"),
        **options,
    )


def require_valid(settings: RenderSettings) -> None:
    """Check the numbers of the command line.

    Raises:
        RenderError: one of them is not allowed.
    """
    for name, lowest in (("jobs", 1), ("instruments_random", 1), ("seed", 0), ("heldout_every", 0)):
        value = getattr(settings, name)
        if value < lowest:
            raise RenderError(f"--{name.replace('_', '-')} {value}: at least {lowest}")
    if settings.pieces_max is not None and settings.pieces_max < 1:
        raise RenderError(f"--scores-max {settings.pieces_max}: at least 1")
    if not settings.seconds_max >= 1.0:
        raise RenderError(f"--seconds-max {settings.seconds_max}: at least 1 s")
    if not 0.0 < settings.gain <= 1.0:
        raise RenderError(f"--gain {settings.gain}: above 0, at most 1")


def _parser() -> OneLineParser:
    parser = OneLineParser(
        prog="python -m training.render",
        description="Play MIDI files with several instruments each, for training.prepare. "
        "Tempo, key and dynamics are varied, the same for all instruments of one file.",
    )
    add = parser.add_argument
    add("midi", metavar="MIDI", type=Path, nargs="+", help="MIDI file or folder")
    add("-o", "--output", metavar="FOLDER", type=Path, required=True, help="folder for the audio")
    _add_players(parser)
    _add_numbers(parser)
    return parser


def _add_players(parser: OneLineParser) -> None:
    instruments = parser.add_mutually_exclusive_group()
    instruments.add_argument(
        "--instruments",
        metavar="0,24,40+42",
        help="General MIDI programs 0-127, one rendering for each comma; programs joined by + are "
        "given to the channels in turn; for drums alone it is the kit",
    )
    instruments.add_argument(
        "--instruments-random",
        metavar="N",
        type=int,
        default=3,
        help="or N instrumentations drawn for every MIDI file (default 3)",
    )
    parser.add_argument(
        "--soundfont",
        metavar="FILE",
        type=Path,
        nargs="+",
        required=True,
        help="SoundFont (.sf2, .sf3) to play with; of several, one is drawn for every MIDI file",
    )


def _add_numbers(parser: OneLineParser) -> None:
    add = parser.add_argument
    add(
        "--seconds-max",
        metavar="S",
        type=float,
        default=120.0,
        help="play at most the first S seconds of a MIDI file (default 120)",
    )
    add("--scores-max", metavar="N", type=int, help="draw N of the MIDI files (default all)")
    add(
        "--heldout-every",
        metavar="K",
        type=int,
        default=0,
        help="hold every K-th MIDI file out of training, with all its renderings (default 0: none)",
    )
    add("--gain", type=float, default=0.2, help="fluidsynth's gain, 0 to 1 (default 0.2)")
    add("--seed", type=int, default=0, help="seed of everything that is drawn (default 0)")
    add(
        "--jobs",
        metavar="N",
        type=int,
        default=os.cpu_count() or 1,
        help="renderings at a time (default: cores)",
    )
