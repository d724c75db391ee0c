"""Shared parts of this package's command lines: one-line errors, defaults in help, numbers."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import NoReturn


class OneLineParser(argparse.ArgumentParser):
    """Reports an error in one line, without the usage, and exits with 2."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; --help shows what is allowed\n")


class DefaultsFormatter(argparse.ArgumentDefaultsHelpFormatter):
    """Adds the default to the help of each option that has one."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        has_one = action.default not in (None, ())
        return super()._get_help_string(action) if has_one else action.help


def exit_code(run: Callable[[], None], errors: tuple[type[Exception], ...]) -> int:
    """Run a command that continues when it is run again, and return its exit code.

    0 when it is done; 2 and one line for one of ``errors``, which the user can fix; 130 for Ctrl-C.
    """
    try:
        run()
    except errors as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; run the same command again to go on", file=sys.stderr)
        return 130
    return 0


def positive_float(text: str) -> float:
    """Parse a finite number above 0."""
    value = _number(text)
    if value <= 0:
        raise argparse.ArgumentTypeError(f"'{text}' is not above 0; give a positive number")
    return value


def positive_int(text: str) -> int:
    """Parse a whole number, at least 1."""
    value = _number(text)
    if value < 1 or value != int(value):
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 1; give 1, 2, 3 ...")
    return int(value)


def even_int(text: str) -> int:
    """Parse an even whole number, at least 2."""
    value = positive_int(text)
    if value % 2:
        raise argparse.ArgumentTypeError(f"'{text}' is odd; clips come in pairs, give 2, 4, 6 ...")
    return value


def excerpt_seconds(text: str) -> float:
    """Parse a number of seconds, 1 to 60."""
    value = _number(text)
    if not 1 <= value <= 60:
        raise argparse.ArgumentTypeError(f"'{text}' is not from 1 to 60 seconds")
    return value


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number") from None
    if value != value or value in (float("inf"), float("-inf")):
        raise argparse.ArgumentTypeError(f"'{text}' is not finite; give a number")
    return value
