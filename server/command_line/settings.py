"""The command line of ``python -m server``, parsed into one frozen ``Settings``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from server.command_line.kept_options import Kept, arguments_of, kept_arguments, options_in
from server.command_line.options import DEFAULT_MIDI, DEFAULT_OSC, Listing, add_keepable, add_others
from server.engine.runtime import Device
from server.osc.access import Network
from server.output.choice import CardChoice, OutputChoice
from server.output.kinds import is_file
from server.output.output_options import CARD_OPTIONS, card_choice
from server.system.config_folder import NO_FOLDER, default_folder


@dataclass(frozen=True)
class Settings:
    """The values of the options, from the command line and ``settings.json``; see ``--help``."""

    bundle: Path | None = None
    output: OutputChoice = field(default_factory=OutputChoice)
    card: CardChoice = field(default_factory=CardChoice)
    input: str | None = None
    device: Device = "auto"
    block_frames: int | None = None
    osc: tuple[str, int] | None = DEFAULT_OSC
    osc_allow: tuple[Network, ...] = ()
    wekinator: tuple[str, ...] = ()
    midi: str = DEFAULT_MIDI
    midi_feedback: bool = True
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
    config: Path | None = field(default_factory=default_folder)
    keep: Kept | None = None
    kept: tuple[str, ...] = field(default=(), compare=False)
    listing: Listing | None = None
    bench: bool = False
    as_json: bool = False

    @property
    def decks(self) -> Mapping[str, str]:
        """The library deck or file asked for, by deck."""
        named = {"a": self.deck_a, "b": self.deck_b, "c": self.deck_c, "d": self.deck_d}
        return {deck: source for deck, source in named.items() if source is not None}


class _OneLineParser(argparse.ArgumentParser):
    """Reports an error in one line, without the usage.

    ``kept`` are the arguments that come from ``settings.json``.
    """

    kept: Sequence[str] = ()

    def error(self, message: str) -> NoReturn:
        self.exit(
            2, f"{self.prog}: {message}{kept_suffix(self.kept)}; --help shows what is allowed\n"
        )


class _NotKeepable(Exception):
    """Arguments that ``settings.json`` cannot hold."""


class _KeptParser(argparse.ArgumentParser):
    """Knows only the options that ``settings.json`` can hold; raises ``_NotKeepable``."""

    def error(self, message: str) -> NoReturn:
        raise _NotKeepable(message)


def kept_suffix(kept: Sequence[str]) -> str:
    """Return what an error message adds if some of the arguments were ``kept``."""
    return f" (settings.json says {' '.join(kept)})" if kept else ""


def parse_args(argv: Sequence[str] | None = None) -> Settings:
    """Parse a command line; exit with code 2 and one line of error if it is invalid."""
    parser = _parser()
    argv = sys.argv[1:] if argv is None else argv
    given = parser.parse_args(argv)
    if given.json and not given.bench:
        parser.error("--json goes with --bench")
    if given.score_out and is_file(given.output):
        parser.error("--score-out records live playing; an --output file plays a --score")
    if given.record and is_file(given.output):
        parser.error("--record records live playing; --output wav:FILE already writes a file")
    if not given.keep:
        unused = [f"--{option}" for option in CARD_OPTIONS if is_file(given.output)]
        parser.kept = kept_arguments(given.config, [*argv, *unused], _not_keepable_reason)
        given = parser.parse_args([*parser.kept, *argv])
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
        midi_feedback=given.midi_feedback == "on",
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
        keep=_to_keep(parser, given, argv) if given.keep else None,
        kept=tuple(parser.kept),
        listing=given.listing,
        bench=given.bench,
        as_json=given.json,
    )


def _parser() -> _OneLineParser:
    parser = _OneLineParser(
        prog="python -m server",
        description="Play a bundle live, or render it to a file. Ctrl-C ends.",
        allow_abbrev=False,
    )
    add_keepable(parser)
    add_others(parser)
    return parser


def _not_keepable_reason(arguments: Sequence[str]) -> str | None:
    """Return in one line why ``settings.json`` cannot hold these arguments; None if it can."""
    parser = _KeptParser(allow_abbrev=False, add_help=False)
    add_keepable(parser)
    try:
        given = parser.parse_args(arguments)
    except _NotKeepable as error:
        return str(error)
    return f"--output {given.output} is not a live output" if is_file(given.output) else None


def _to_keep(
    parser: argparse.ArgumentParser, given: argparse.Namespace, argv: Sequence[str]
) -> Kept:
    """Return the options in ``argv`` to keep, with files as absolute paths."""
    if given.config is None:
        parser.error(NO_FOLDER)
    options = {
        name: str(Path(str(value)).resolve()) if _is_path(given, name, value) else value
        for name, value in options_in(argv).items()
        if name not in ("keep", "config")
    }
    if why := _not_keepable_reason(arguments_of(options)):
        parser.error(f"cannot be kept: {why}")
    return options


def _is_path(given: argparse.Namespace, name: str, value: object) -> bool:
    """Return whether ``value`` is a path that depends on the current folder."""
    is_path = isinstance(getattr(given, name.replace("-", "_"), None), Path)
    return is_path or (name.startswith("deck-") and Path(str(value)).is_file())
