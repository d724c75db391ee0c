"""Command-line options kept as defaults: ``settings.json`` in the configuration folder.

    {"settings": 1, "output": "soundcard:USB", "latency": 5, "osc-allow": ["192.168.1.7"]}

Names and values are those of the options. ``--keep`` writes the file, and a user may edit it.
Options on the command line take precedence.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

from server.system.json_document import JsonDocument

logger = logging.getLogger(__name__)

FILE_NAME, KIND = "settings.json", "settings"

Kept = Mapping[str, str | int | float | bool | list[str | int | float]]
"""Values by option name, without ``--``; true for an option without a value."""

RejectionReason = Callable[[Sequence[str]], str | None]
"""Says in one line why arguments cannot be kept; None if they can."""


def kept_arguments(
    config: Path | None, given: Sequence[str], rejection_reason: RejectionReason
) -> list[str]:
    """Return the kept options that ``given`` does not set, as arguments to put before it.

    An option that cannot be used is logged in one line and ignored.
    """
    if config is None:
        return []
    document = _document(config)
    kept = document.read(_checked) or {}
    given_options = options_in(given)
    arguments: list[str] = []
    for name, value in kept.items():
        if name in given_options:
            continue
        option = arguments_of({name: value})
        if why := rejection_reason(option):
            logger.warning("'%s': %s; ignored", document.path, why)
        else:
            arguments += option
    return arguments


def options_in(arguments: Sequence[str]) -> Kept:
    """Return the options of a valid command line, each with one value, several or none.

    >>> options_in(["--rate=48000", "--generate", "--osc-allow", "::1", "--osc-allow", "::2"])
    {'rate': '48000', 'generate': True, 'osc-allow': ['::1', '::2']}
    """
    found: dict[str, Any] = {}
    for argument, following in zip_longest(arguments, arguments[1:], fillvalue="--"):
        if not argument.startswith("--"):
            continue
        name, equals, value = argument[2:].partition("=")
        given: Any = value if equals else True if following.startswith("--") else following
        previous = found.get(name)
        if previous is not None and given is not True:
            given = [*(previous if isinstance(previous, list) else [previous]), given]
        found[name] = given
    return found


def arguments_of(kept: Kept) -> list[str]:
    """Return kept options as command-line arguments."""
    return [one for name, value in kept.items() for one in _arguments(name, value)]


def keep(config: Path, options: Kept) -> Path:
    """Write ``options`` in place of those kept so far, and return the file.

    Raises:
        DocumentError: the file cannot be written.
    """
    document = _document(config)
    document.read(_checked)  # moves a file that cannot be read out of the way
    document.write(options)
    return document.path


def _document(config: Path) -> JsonDocument:
    return JsonDocument(config / FILE_NAME, KIND)


def _checked(content: Mapping[str, Any]) -> Kept:
    for name, value in content.items():
        values = value if isinstance(value, list) else [value]
        if not all(isinstance(one, str | int | float) for one in values):
            raise ValueError(f"{name!r:.60} is not text, a number, true, false or a list of these")
    return content


def _arguments(name: str, value: object) -> Iterator[str]:
    if value is True:
        yield f"--{name}"
    elif value is not False:
        values = value if isinstance(value, list) else [value]
        yield from (f"--{name}={one}" for one in values)
