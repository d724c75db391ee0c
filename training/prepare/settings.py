"""The command line of ``python -m training.prepare``."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from export.audio.model_input import SHORTEST_S
from model.config import PRESETS, preset
from training.datasets.gtzan import LIST_NAMES
from training.datasets.kinds import LOADERS, PLAIN
from training.support.arguments import OneLineParser
from training.support.workers import BACKENDS, Workers

GATE_S = 0.4
"""One block of BS.1770's gate: nothing shorter has a loudness."""

LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 8_000, 192_000

_EXAMPLES = f"""\
data sets to name before the folders: {", ".join(LOADERS)} (default {PLAIN}: any music).
A data set keeps its labels and its official split: train for training, the others held out.

  python -m training.prepare my-music/ -o store
  python -m training.prepare gtzan genres/ -o store
  python -m training.prepare fma fma_small/ -o store --backend dask --cluster tcp://head:8786
"""


class PrepareError(ValueError):
    """Options or sources that no store can be prepared from."""


@dataclass(frozen=True)
class PrepareSettings:
    """The options of the command line."""

    kind: str
    sources: tuple[Path, ...]
    output: Path
    preset: str
    rate: int | None
    heldout: tuple[str, ...]
    heldout_share: float
    exclude: tuple[str, ...]
    min_seconds: float
    split_lists: Path | None
    workers: Workers

    @property
    def sample_rate_hz(self) -> int:
        """``--rate``, or that of the preset.

        Raises:
            ConfigError: there is no such preset.
        """
        return self.rate or preset(self.preset).features.sample_rate_hz


def require_valid(settings: PrepareSettings) -> None:
    """Check the numbers of the command line.

    Raises:
        PrepareError, ConfigError: one of them is not allowed.
    """
    if settings.rate is not None and not LOWEST_RATE_HZ <= settings.rate <= HIGHEST_RATE_HZ:
        raise PrepareError(
            f"--rate {settings.rate}: {LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ} Hz are allowed"
        )
    preset(settings.preset)
    if settings.workers.processes < 1:
        raise PrepareError(f"--jobs {settings.workers.processes}: at least 1 process is needed")
    if not settings.min_seconds >= GATE_S:
        raise PrepareError(f"--min-seconds {settings.min_seconds}: at least {GATE_S:g} s")
    if not 0 <= settings.heldout_share <= 0.5:
        raise PrepareError(f"--heldout-share {settings.heldout_share:g}: 0 to 0.5 is allowed")


def parse_args(argv: Sequence[str] | None = None) -> PrepareSettings:
    """Parse the options; exits with 2 and one line on a bad one."""
    parser = _parser()
    given = parser.parse_args(argv)
    kind, folders = PLAIN, given.sources
    if folders[0] in LOADERS:
        kind, *folders = folders
    if not folders:
        parser.error(f"{kind} is a data set: give its folder (for a folder of this name: ./{kind})")
    if given.split_lists and kind != "gtzan":
        parser.error("--split-lists is for gtzan")
    if given.cluster and given.backend == "loky":
        parser.error("--cluster needs --backend dask or ray")
    return PrepareSettings(
        kind=kind,
        sources=tuple(map(Path, folders)),
        output=given.output,
        preset=given.preset,
        rate=given.rate,
        heldout=tuple(given.heldout),
        heldout_share=given.heldout_share,
        exclude=tuple(given.exclude),
        min_seconds=given.min_seconds,
        split_lists=given.split_lists,
        workers=Workers(given.backend, given.cluster, given.jobs),
    )


def _parser() -> OneLineParser:
    parser = OneLineParser(
        prog="python -m training.prepare",
        description="Turn folders of music, or a data set, into one training store. Interrupted, "
        "run it again:\nwhat is done is kept. Run again with more folders, it adds them.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("sources", metavar="SOURCE", nargs="+", help="name of a data set, and folders of music")
    add("-o", "--output", metavar="STORE", type=Path, required=True, help="folder of the store")
    _add_choice(parser)
    _add_conversion(parser)
    _add_workers(parser)
    return parser


def _add_choice(parser: OneLineParser) -> None:
    add = parser.add_argument_group("which recordings").add_argument
    add(
        "--heldout",
        metavar="GLOB",
        nargs="+",
        default=[],
        help="recordings to hold out of training, by name, e.g. '*_bach_*', besides those that a "
        "data set holds out (default none)",
    )
    add(
        "--heldout-share",
        metavar="SHARE",
        type=float,
        default=0.1,
        help="share of a plain folder's recordings to hold out, drawn by name, unless --heldout or "
        "training.render says which; 0 to 0.5 (default 0.1)",
    )
    add(
        "--exclude", metavar="GLOB", nargs="+", default=[], help="files to leave out (default none)"
    )
    add(
        "--min-seconds",
        metavar="S",
        type=float,
        default=SHORTEST_S,
        help=f"skip shorter recordings, in seconds, at least {GATE_S:g} (default {SHORTEST_S:g})",
    )
    add(
        "--split-lists",
        metavar="DIR",
        type=Path,
        help=f"gtzan: folder with {', '.join(LIST_NAMES.values())} (default: torchaudio's, "
        "the fault-filtered split)",
    )


def _add_conversion(parser: OneLineParser) -> None:
    rate = parser.add_mutually_exclusive_group()
    rate.add_argument(
        "--preset",
        default="small",
        help=f"model preset whose sample rate to use: {', '.join(PRESETS)} (default small)",
    )
    rate.add_argument(
        "--rate", metavar="HZ", type=int, help="sample rate in Hz (default: preset's)"
    )


def _add_workers(parser: OneLineParser) -> None:
    add = parser.add_argument_group("workers").add_argument
    add(
        "--jobs",
        metavar="N",
        type=int,
        default=os.cpu_count() or 1,
        help="processes on this machine (default: cores)",
    )
    add(
        "--backend",
        choices=tuple(BACKENDS),
        default="loky",
        help="of joblib: loky on this machine; dask (extra 'cluster') and ray also on several, "
        "which need the files under the same paths (default loky)",
    )
    add(
        "--cluster",
        metavar="ADDRESS",
        help="scheduler of a running dask or ray cluster, e.g. tcp://head:8786; all its workers "
        "are used (default: start --jobs workers here)",
    )
