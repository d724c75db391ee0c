"""The options of ``python -m server``: names, help texts and parsing."""

from __future__ import annotations

import argparse
import math
from importlib import metadata
from pathlib import Path
from typing import Literal, get_args

from server.engine.runtime import Device
from server.osc.access import Network, network
from server.output.output_options import add_output
from server.supervision.protocol import NO_SUPERVISOR
from server.system.config_folder import default_folder

Listing = Literal["devices", "decks", "controls"]

MAX_BLOCK_FRAMES = 4096
MAX_SECONDS = 6 * 3600.0
"""Keeps a WAV file below its format's limit of 4 GB."""

_LISTED = {"devices": "audio and MIDI devices", "decks": "library decks", "controls": "controls"}

DEFAULT_OSC = ("127.0.0.1", 9000)
DEFAULT_MIDI = "all"


def add_keepable(parser: argparse.ArgumentParser) -> None:
    """Add the options that ``settings.json`` may hold (``server.command_line.kept_options``)."""
    _add_sound(parser)
    _add_control_input(parser)
    _add_music(parser)


def add_others(parser: argparse.ArgumentParser) -> None:
    """Add the options that apply to one run only."""
    _add_score(parser)
    _add_configuration(parser)
    _add_information(parser)


def _add_sound(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("sound")
    group.add_argument(
        "--bundle", type=Path, metavar="FILE", help="bundle to play (default: the built-in one)"
    )
    add_output(group)
    group.add_argument(
        "--input",
        type=_input,
        metavar="DEVICE|none",
        help="device that /deck/{a,b,c,d}/capture records: a number or name from --list-devices, "
        "or default for the system's own (default: none; no microphone is opened unasked)",
    )
    group.add_argument(
        "--device",
        choices=get_args(Device),
        default="auto",
        help="what the model runs on (default: auto, which is CUDA if it works, else the CPU)",
    )
    group.add_argument(
        "--block",
        type=_block,
        metavar="FRAMES",
        help="model frames to decode per call, or auto (default: auto, the smallest block of at "
        "least 512 samples that this machine decodes well within its duration)",
    )


def _add_control_input(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("control input")
    group.add_argument(
        "--osc",
        type=_address,
        default=DEFAULT_OSC,
        metavar="HOST:PORT",
        help="address to receive OSC on, over UDP and TCP, or none (default: 127.0.0.1:9000, this "
        "machine only); localhost is IPv4 and IPv6, 0.0.0.0 or [::] opens it to the network",
    )
    group.add_argument(
        "--osc-allow",
        type=_network,
        action="append",
        default=[],
        metavar="ADDRESS[/PREFIX]",
        help="address or network that may send OSC, for example 192.168.1.7 or 192.168.1.0/24; "
        "repeatable (default: anyone who can reach the address of --osc)",
    )
    group.add_argument(
        "--wekinator",
        type=_addresses,
        default=(),
        metavar="ADDRESS,ADDRESS,...",
        help="controls that Wekinator's outputs (/wek/outputs) move, in that order, each through "
        "its whole range (default: none; the outputs are accepted and move nothing)",
    )
    group.add_argument(
        "--midi",
        default=DEFAULT_MIDI,
        metavar="NAME",
        help="all, none, or a MIDI input's name or part of it (default: all)",
    )
    group.add_argument(
        "--midi-feedback",
        choices=("on", "off"),
        default="on",
        help="send controllers the values of their learned knobs, so that LEDs and motor faders "
        "follow (default: on; nothing else is sent)",
    )
    group.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="ADDRESS=VALUE",
        help="initial value of a control, for example /interp=0.5 or /interp/xy=0.5,1; repeatable "
        "(default: each control's default, see --list-controls)",
    )


def _add_score(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("scores, recording and length")
    group.add_argument(
        "--record",
        type=Path,
        metavar="FILE",
        help="record the output to a new file, from the first sound: .flac in 24 bits, else .wav "
        "in 32-bit float (default: none; /record/start records later)",
    )
    group.add_argument(
        "--seconds",
        type=_seconds,
        metavar="S",
        help="stop after S seconds (default: a file is as long as its longest deck or the score; "
        "live playing goes on)",
    )
    group.add_argument(
        "--score",
        type=Path,
        metavar="FILE",
        help="play a score from the start: JSON lines such as "
        '{"t": 1.5, "address": "/interp", "args": [0.5]}, t in seconds (default: none)',
    )
    group.add_argument(
        "--score-out",
        type=Path,
        metavar="FILE",
        help="record all changes, from the start, as a new score that --score plays back the same "
        "(default: none; /score/record records later)",
    )


def _add_configuration(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("configuration")
    group.add_argument(
        "--config",
        type=_config,
        default=default_folder(),
        metavar="DIR|none",
        help="folder for presets, MIDI mappings and settings, created when something is saved "
        f"(default: the platform's, {default_folder()})",
    )
    group.add_argument(
        "--keep",
        action="store_true",
        help="save the other options of this command line (sound, control input, music) in that "
        "folder as the defaults from now on, and exit",
    )
    group.add_argument(
        NO_SUPERVISOR,
        action="store_true",
        help="run in one process, which is not restarted if it dies (default: a small parent "
        "process restarts it with its last state)",
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
            "deck sounds like its neighbour)",
        )
    group.add_argument(
        "--media",
        type=_folder,
        default=Path("."),
        metavar="DIR",
        help="folder that OSC may load files and bundles from, and records to (default: the "
        "current folder)",
    )
    group.add_argument(
        "--generate",
        action="store_true",
        help="play on endlessly: the bundle's prior draws structure, starting from the last ticks "
        "of the decks (default: off; the same as --set /generate=1)",
    )


def _add_information(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("information")
    for listing in get_args(Listing):
        group.add_argument(
            f"--list-{listing}",
            action="store_const",
            const=listing,
            dest="listing",
            help=f"list {_LISTED[listing]} and exit",
        )
    group.add_argument(
        "--bench",
        action="store_true",
        help="measure decoding time in ms, by block size and number of threads, and exit",
    )
    group.add_argument("--json", action="store_true", help="with --bench: one JSON object per row")
    group.add_argument(
        "--version", action="version", version=f"latent-deck {metadata.version('latent-deck')}"
    )


def _input(text: str) -> str | None:
    if not text:
        raise argparse.ArgumentTypeError("'' is not an input; use a device, default or none")
    return None if text == "none" else text


def _address(text: str) -> tuple[str, int] | None:
    if text == "none":
        return None
    host, colon, port = text.rpartition(":")
    if not (colon and host and port.isascii() and port.isdigit() and int(port) < 65536):
        raise argparse.ArgumentTypeError(
            f"'{text}' is not an address; use HOST:PORT with a port from 0 to 65535, or none"
        )
    return host.strip("[]"), int(port)


def _network(text: str) -> Network:
    try:
        return network(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"'{text}' is not an address; use ADDRESS or ADDRESS/PREFIX, for example 192.168.1.0/24"
        ) from None


def _addresses(text: str) -> tuple[str, ...]:
    addresses = tuple(text.split(","))
    if not all(address.startswith("/") for address in addresses):
        raise argparse.ArgumentTypeError(
            f"'{text}' is not a list of controls; use addresses such as /interp,/latent/0"
        )
    return addresses


def _block(text: str) -> int | None:
    if text == "auto":
        return None
    if text.isascii() and text.isdigit() and 1 <= int(text) <= MAX_BLOCK_FRAMES:
        return int(text)
    raise argparse.ArgumentTypeError(
        f"'{text}' is not a block size; use 1 to {MAX_BLOCK_FRAMES} frames, or auto"
    )


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= MAX_SECONDS:
        raise argparse.ArgumentTypeError(
            f"'{text}' is not a duration; use more than 0 and at most {MAX_SECONDS:g} seconds"
        )
    return seconds


def _config(text: str) -> Path | None:
    if text == "none":
        return None
    if not text or (Path(text).exists() and not Path(text).is_dir()):
        raise argparse.ArgumentTypeError(f"'{text}' is not a folder; use DIR or none")
    return Path(text)


def _folder(text: str) -> Path:
    path = Path(text)
    if not path.is_dir():
        raise argparse.ArgumentTypeError(f"'{text}' is not a folder; name one that exists")
    return path
