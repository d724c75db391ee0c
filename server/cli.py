"""The command line of ``python -m server``: text in, one frozen ``Settings`` out."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal, NoReturn, get_args

from server.runtime import Device

OutputKind = Literal["soundcard", "wav", "flac", "null"]
Listing = Literal["devices", "decks", "controls"]

MAX_BLOCK_FRAMES = 4096
MAX_SECONDS = 6 * 3600.0
"""So that a WAV file stays below its format's 4 GB."""

_SPEAKS_OF_FILES = ("wav", "flac")


@dataclass(frozen=True)
class OutputChoice:
    """Where to: a kind, and the sound card's name or the file's path with it."""

    kind: OutputKind = "soundcard"
    target: str | None = None

    @property
    def is_file(self) -> bool:
        """Whether a file is rendered instead of playing live."""
        return self.kind in _SPEAKS_OF_FILES


@dataclass(frozen=True)
class Settings:
    """What the command line asked for; see ``--help``."""

    bundle: Path | None = None
    output: OutputChoice = OutputChoice()
    device: Device = "auto"
    block_frames: int | None = None
    osc: tuple[str, int] | None = ("127.0.0.1", 9000)
    midi: str = "all"
    deck_a: str | None = None
    deck_b: str | None = None
    media: Path = Path(".")
    sets: tuple[str, ...] = ()
    seconds: float | None = None
    listing: Listing | None = None
    bench: bool = False
    as_json: bool = False


class _OneLineParser(argparse.ArgumentParser):
    """Says what is wrong in one line, without the usage before it."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; --help shows what is allowed\n")


def parse_args(argv: Sequence[str] | None = None) -> Settings:
    """Settings of a command line; exits with 2 and one line where it makes no sense."""
    parser = _parser()
    given = parser.parse_args(argv)
    if given.json and not given.bench:
        parser.error("--json goes with --bench")
    return Settings(
        bundle=given.bundle,
        output=given.output,
        device=given.device,
        block_frames=given.block,
        osc=given.osc,
        midi=given.midi,
        deck_a=given.deck_a,
        deck_b=given.deck_b,
        media=given.media,
        sets=tuple(given.set),
        seconds=given.seconds,
        listing=given.listing,
        bench=given.bench,
        as_json=given.json,
    )


def _parser() -> argparse.ArgumentParser:
    parser = _OneLineParser(
        prog="python -m server",
        description="Play a bundle live, or render it to a file. Ctrl-C ends.",
        allow_abbrev=False,
    )
    _add_sound(parser)
    _add_hands(parser)
    _add_music(parser)
    _add_questions(parser)
    return parser


def _add_sound(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("sound")
    group.add_argument(
        "--bundle", type=Path, metavar="FILE", help="bundle to play (default: the one built in)"
    )
    group.add_argument(
        "--output",
        type=_output,
        default=OutputChoice(),
        metavar="KIND",
        help="soundcard, soundcard:NAME, wav:FILE, flac:FILE or null (default: soundcard); "
        "a file is rendered as fast as it goes and opens no port and no device",
    )
    group.add_argument(
        "--device",
        choices=get_args(Device),
        default="auto",
        help="what decodes (default: auto, CUDA where it runs, else the CPU)",
    )
    group.add_argument(
        "--block",
        type=_block,
        metavar="FRAMES",
        help="hop frames decoded in one call, or auto (default: auto, the smallest of at least "
        "512 samples that this machine decodes well within its duration)",
    )
    group.add_argument(
        "--seconds",
        type=_seconds,
        metavar="S",
        help="end after S seconds (default: a file is as long as the longer deck, live is endless)",
    )


def _add_hands(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("hands")
    group.add_argument(
        "--osc",
        type=_address,
        default=Settings.osc,
        metavar="HOST:PORT",
        help="where to listen for OSC over UDP, or none (default: 127.0.0.1:9000)",
    )
    group.add_argument(
        "--midi",
        default=Settings.midi,
        metavar="NAME",
        help="all, none, or a MIDI input's name or a part of it (default: all)",
    )
    group.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="ADDRESS=VALUE",
        help="initial value of a control, for example /interp=0.5, several separated by commas; "
        "may be given again (default: each control's own, see --list-controls)",
    )


def _add_music(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("music")
    for name, place in (("a", "first"), ("b", "second")):
        group.add_argument(
            f"--deck-{name}",
            metavar="NAME|FILE",
            help=f"library deck or audio file for deck {name.upper()} (default: the bundle's "
            f"{place} library deck if neither deck is given, else empty)",
        )
    group.add_argument(
        "--media",
        type=_folder,
        default=Path("."),
        metavar="DIR",
        help="folder that /deck/a/load may load files from (default: the current folder)",
    )


def _add_questions(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("questions")
    for name in get_args(Listing):
        group.add_argument(
            f"--list-{name}",
            action="store_const",
            const=name,
            dest="listing",
            help=f"list the {name} there are, and end",
        )
    group.add_argument(
        "--bench",
        action="store_true",
        help="measure decode times in ms by block size and threads, and end",
    )
    group.add_argument("--json", action="store_true", help="with --bench: one JSON object a row")
    group.add_argument(
        "--version", action="version", version=f"latent-deck {metadata.version('latent-deck')}"
    )


def _output(text: str) -> OutputChoice:
    kind, colon, target = text.partition(":")
    if kind not in get_args(OutputKind):
        raise argparse.ArgumentTypeError(
            f"'{text}' is no output; use soundcard, soundcard:NAME, wav:FILE, flac:FILE or null"
        )
    if kind in _SPEAKS_OF_FILES and not target:
        raise argparse.ArgumentTypeError(f"'{text}' names no file; use {kind}:FILE")
    if (kind == "null" and colon) or (colon and not target):
        raise argparse.ArgumentTypeError(f"'{text}' is no output; nothing can follow '{kind}:'")
    return OutputChoice(kind, target or None)  # type: ignore[arg-type]  # checked above


def _address(text: str) -> tuple[str, int] | None:
    if text == "none":
        return None
    host, colon, port = text.rpartition(":")
    if not (colon and host and port.isascii() and port.isdigit() and int(port) < 65536):
        raise argparse.ArgumentTypeError(
            f"'{text}' is no address; use HOST:PORT with a port of 0 to 65535, or none"
        )
    return host.strip("[]"), int(port)


def _block(text: str) -> int | None:
    if text == "auto":
        return None
    if text.isascii() and text.isdigit() and 1 <= int(text) <= MAX_BLOCK_FRAMES:
        return int(text)
    raise argparse.ArgumentTypeError(
        f"'{text}' is no block; use 1 to {MAX_BLOCK_FRAMES} frames, or auto"
    )


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= MAX_SECONDS:
        raise argparse.ArgumentTypeError(
            f"'{text}' is no duration; use more than 0 and at most {MAX_SECONDS:g} seconds"
        )
    return seconds


def _folder(text: str) -> Path:
    path = Path(text)
    if not path.is_dir():
        raise argparse.ArgumentTypeError(f"'{text}' is no folder; name one that exists")
    return path
