"""The options of ``python -m server``: names, help, and text to values."""

from __future__ import annotations

import argparse
import math
from importlib import metadata
from pathlib import Path
from typing import Literal, get_args

from server.engine.runtime import Device
from server.osc.access import Network, network
from server.output.output_options import add_output
from server.supervision.agreement import NO_SUPERVISOR
from server.system.config_folder import default_folder

Listing = Literal["devices", "decks", "controls"]

MAX_BLOCK_FRAMES = 4096
MAX_SECONDS = 6 * 3600.0
"""So that a WAV file stays below its format's 4 GB."""

USUAL_OSC = ("127.0.0.1", 9000)
USUAL_MIDI = "all"


def add_keepable(parser: argparse.ArgumentParser) -> None:
    """Add the options that ``settings.json`` may hold (``server.command_line.kept_options``)."""
    _add_sound(parser)
    _add_hands(parser)
    _add_music(parser)


def add_others(parser: argparse.ArgumentParser) -> None:
    """Add those that are for one time."""
    _add_score(parser)
    _add_kept(parser)
    _add_questions(parser)


def _add_sound(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("sound")
    group.add_argument(
        "--bundle", type=Path, metavar="FILE", help="bundle to play (default: the one built in)"
    )
    add_output(group)
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


def _add_hands(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("hands")
    group.add_argument(
        "--osc",
        type=_address,
        default=USUAL_OSC,
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
        default=USUAL_MIDI,
        metavar="NAME",
        help="all, none, or a MIDI input's name or a part of it (default: all)",
    )
    group.add_argument(
        "--midi-feedback",
        choices=("on", "off"),
        default="on",
        help="whether controllers are told where the controls of their learned knobs are, so that "
        "LEDs and motor faders follow (default: on; nobody else is sent anything)",
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
    group = parser.add_argument_group("scores, recording and length")
    group.add_argument(
        "--record",
        type=Path,
        metavar="FILE",
        help="record what is heard from the first sound to a new file: .flac in 24 bits, else "
        ".wav in 32-bit float (default: none; /record/start does it later)",
    )
    group.add_argument(
        "--seconds",
        type=_seconds,
        metavar="S",
        help="end after S seconds (default: a file is as long as the longest deck or the score, "
        "live goes on)",
    )
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
        default=default_folder(),
        metavar="DIR|none",
        help="folder for what is kept, made when something is (default: the platform's, "
        f"{default_folder()})",
    )
    group.add_argument(
        "--keep",
        action="store_true",
        help="write the other options of this command line, of sound, hands and music, to that "
        "folder, as what is meant from now on where nothing is said, and end",
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
