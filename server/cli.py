"""The command line of ``python -m server``: text in, one frozen ``Settings`` out."""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Literal, NoReturn, get_args

from server.engine.runtime import Device
from server.osc.access import Network, network
from server.output.arguments import add_output, card_choice
from server.output.choice import CardChoice, OutputChoice
from server.saved.folder import usual_folder
from server.supervision.settings import NO_SUPERVISOR

Listing = Literal["devices", "decks", "controls"]

MAX_BLOCK_FRAMES = 4096
MAX_SECONDS = 6 * 3600.0
"""So that a WAV file stays below its format's 4 GB."""


@dataclass(frozen=True)
class Settings:
    """What the command line asked for; see ``--help``."""

    bundle: Path | None = None
    output: OutputChoice = field(default_factory=OutputChoice)
    card: CardChoice = field(default_factory=CardChoice)
    input: str | None = None
    device: Device = "auto"
    block_frames: int | None = None
    osc: tuple[str, int] | None = ("127.0.0.1", 9000)
    osc_allow: tuple[Network, ...] = ()
    wekinator: tuple[str, ...] = ()
    midi: str = "all"
    deck_a: str | None = None
    deck_b: str | None = None
    deck_c: str | None = None
    deck_d: str | None = None
    media: Path = Path(".")
    generate: bool = False
    sets: tuple[str, ...] = ()
    seconds: float | None = None
    score: Path | None = None
    score_out: Path | None = None
    record: Path | None = None
    config: Path | None = field(default_factory=usual_folder)
    listing: Listing | None = None
    bench: bool = False
    as_json: bool = False

    @property
    def decks(self) -> Mapping[str, str]:
        """What was asked for, by deck: a library deck's name or a file."""
        named = {"a": self.deck_a, "b": self.deck_b, "c": self.deck_c, "d": self.deck_d}
        return {deck: source for deck, source in named.items() if source is not None}


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
    if given.score_out and given.output.is_file:
        parser.error("--score-out records live playing; a file is made from --score")
    if given.record and given.output.is_file:
        parser.error("--record records live playing; --output wav:FILE renders a file by itself")
    return Settings(
        bundle=given.bundle,
        output=given.output,
        card=card_choice(parser, given),
        input=given.input,
        device=given.device,
        block_frames=given.block,
        osc=given.osc,
        osc_allow=tuple(given.osc_allow),
        wekinator=given.wekinator,
        midi=given.midi,
        deck_a=given.deck_a,
        deck_b=given.deck_b,
        deck_c=given.deck_c,
        deck_d=given.deck_d,
        media=given.media,
        generate=given.generate,
        sets=tuple(given.set),
        seconds=given.seconds,
        score=given.score,
        score_out=given.score_out,
        record=given.record,
        config=given.config,
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
    _add_score(parser)
    _add_kept(parser)
    _add_questions(parser)
    return parser


def _add_sound(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("sound")
    group.add_argument(
        "--bundle", type=Path, metavar="FILE", help="bundle to play (default: the one built in)"
    )
    add_output(group)
    group.add_argument(
        "--record",
        type=Path,
        metavar="FILE",
        help="record what is heard from the first sound to a new file: .flac in 24 bits, else "
        ".wav in 32-bit float (default: none; /record/start does it later)",
    )
    group.add_argument(
        "--input",
        type=_input,
        metavar="DEVICE|none",
        help="what /deck/{a,b,c,d}/capture listens to: a number or name of --list-devices, or "
        "default for the system's own (default: none; no microphone is opened unasked)",
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
        help="end after S seconds (default: a file is as long as the longest deck or the score, "
        "live goes on)",
    )


def _add_hands(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("hands")
    group.add_argument(
        "--osc",
        type=_address,
        default=Settings.osc,
        metavar="HOST:PORT",
        help="where to listen for OSC over UDP and TCP, or none (default: 127.0.0.1:9000, this "
        "machine only); localhost is IPv4 and IPv6, 0.0.0.0 or [::] is open to the network",
    )
    group.add_argument(
        "--osc-allow",
        type=_network,
        action="append",
        default=[],
        metavar="ADDRESS[/PREFIX]",
        help="who may send OSC, for example 192.168.1.7 or 192.168.1.0/24; may be given again "
        "(default: whoever can reach the address of --osc)",
    )
    group.add_argument(
        "--wekinator",
        type=_addresses,
        default=(),
        metavar="ADDRESS,ADDRESS,...",
        help="controls that the outputs of Wekinator's /wek/outputs move, in their order, each "
        "through its whole range (default: none; the outputs are taken and move nothing)",
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


def _add_score(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("scores")
    group.add_argument(
        "--score",
        type=Path,
        metavar="FILE",
        help="play the changes of a score, from the start: JSON lines such as "
        '{"t": 1.5, "address": "/interp", "args": [0.5]}, t in seconds (default: none)',
    )
    group.add_argument(
        "--score-out",
        type=Path,
        metavar="FILE",
        help="record all changes from the start as a new score, which --score plays again the "
        "same (default: none; /score/record does it later)",
    )


def _add_kept(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what is kept")
    group.add_argument(
        "--config",
        type=_config,
        default=usual_folder(),
        metavar="DIR|none",
        help="folder for what is kept, made when something is (default: the platform's, "
        f"{usual_folder()})",
    )


def _add_music(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("music")
    for name, place in (("a", "first"), ("b", "second")):
        group.add_argument(
            f"--deck-{name}",
            metavar="NAME|FILE",
            help=f"library deck or audio file for deck {name.upper()} (default: the bundle's "
            f"{place} library deck if neither A nor B is given, else empty)",
        )
    for name in ("c", "d"):
        group.add_argument(
            f"--deck-{name}",
            metavar="NAME|FILE",
            help=f"library deck or audio file for deck {name.upper()} (default: empty; an empty "
            "deck is heard as its neighbour)",
        )
    group.add_argument(
        "--media",
        type=_folder,
        default=Path("."),
        metavar="DIR",
        help="folder that /deck/{a,b,c,d}/load may load files from (default: the current folder)",
    )
    group.add_argument(
        "--generate",
        action="store_true",
        help="play on for ever: structure is drawn by the bundle's prior, from the last ticks of "
        "the decks on (default: off; the same as --set /generate=1)",
    )


def _add_questions(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("questions")
    group.add_argument(
        NO_SUPERVISOR,
        action="store_true",
        help="one process: where it dies while playing, nothing starts it again (default: a small "
        "parent does, with the last state)",
    )
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


def _input(text: str) -> str | None:
    if not text:
        raise argparse.ArgumentTypeError("'' is no input; use a device, default or none")
    return None if text == "none" else text


def _address(text: str) -> tuple[str, int] | None:
    if text == "none":
        return None
    host, colon, port = text.rpartition(":")
    if not (colon and host and port.isascii() and port.isdigit() and int(port) < 65536):
        raise argparse.ArgumentTypeError(
            f"'{text}' is no address; use HOST:PORT with a port of 0 to 65535, or none"
        )
    return host.strip("[]"), int(port)


def _network(text: str) -> Network:
    try:
        return network(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"'{text}' is no address; use ADDRESS or ADDRESS/PREFIX, for example 192.168.1.0/24"
        ) from None


def _addresses(text: str) -> tuple[str, ...]:
    addresses = tuple(text.split(","))
    if not all(address.startswith("/") for address in addresses):
        raise argparse.ArgumentTypeError(
            f"'{text}' is no list of controls; use addresses such as /interp,/latent/0"
        )
    return addresses


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


def _config(text: str) -> Path | None:
    if text == "none":
        return None
    if not text or (Path(text).exists() and not Path(text).is_dir()):
        raise argparse.ArgumentTypeError(f"'{text}' is no folder; use DIR or none")
    return Path(text)


def _folder(text: str) -> Path:
    path = Path(text)
    if not path.is_dir():
        raise argparse.ArgumentTypeError(f"'{text}' is no folder; name one that exists")
    return path
