"""The output options of ``python -m server``."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TypeVar

from server.output import choice
from server.output.choice import CardChoice, ChoiceError, OutputChoice
from server.output.kinds import FORMS, is_file, output_choice

Value = TypeVar("Value")

CARD_OPTIONS = ("rate", "latency", "channels", "cue")
"""Options that only apply to a sound card."""


def add_output(group: argparse._ArgumentGroup) -> None:
    """Add the options to ``group``."""
    group.add_argument(
        "--output",
        type=_argument_type(output_choice),
        default=OutputChoice(),
        metavar="KIND",
        help=f"{FORMS} (default: soundcard); "
        "a file is rendered as fast as possible, without opening a port or device",
    )
    group.add_argument(
        "--rate",
        type=_argument_type(choice.rate_hz),
        metavar="HZ",
        help="sample rate of the sound card (default: the model's if the card offers it, else the "
        "card's own)",
    )
    group.add_argument(
        "--latency",
        type=_argument_type(choice.latency_setting),
        metavar="MS",
        help="latency to ask the sound card for: low, high or milliseconds (default: low)",
    )
    group.add_argument(
        "--channels",
        type=_argument_type(choice.channel_pair),
        metavar="LEFT,RIGHT",
        help="output channels of the sound card, counted from 1 (default: 1,2)",
    )
    group.add_argument(
        "--cue",
        type=_argument_type(choice.channel_pair),
        metavar="LEFT,RIGHT",
        help="second pair of channels, for the deck chosen with /cue (default: none)",
    )


def card_choice(parser: argparse.ArgumentParser, given: argparse.Namespace) -> CardChoice:
    """Return the sound card's settings; exit with an error where they contradict each other."""
    for option in CARD_OPTIONS:
        if is_file(given.output) and getattr(given, option) is not None:
            parser.error(f"--{option} is for a sound card, and --output {given.output} is a file")
    main, cue = given.channels or CardChoice.main, given.cue
    if cue and (both := set(main) & set(cue)):
        parser.error(f"channel {min(both)} is in --channels and in --cue; use two pairs")
    return CardChoice(
        rate_hz=given.rate, latency=given.latency or CardChoice.latency, main=main, cue=cue
    )


def _argument_type(parser: Callable[[str], Value]) -> Callable[[str], Value]:
    """Wrap a parser for argparse, which shows only the message of its own error."""

    def parse(text: str) -> Value:
        try:
            return parser(text)
        except ChoiceError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return parse
