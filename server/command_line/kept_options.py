"""Options of the command line that are kept: ``settings.json`` in the configuration folder.

    {"settings": 1, "output": "soundcard:USB", "latency": 5, "osc-allow": ["192.168.1.7"]}

Names and values are those of the options, so what is allowed is what they allow. ``--keep`` writes
it, and a person may. What the command line itself says comes first.
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
"""Values by the names of options without ``--``; true for those that take none."""

Refusal = Callable[[Sequence[str]], str | None]
"""In one line why arguments cannot be kept; None if they can."""


def kept_arguments(
    config: Path | None, given: Sequence[str], rejection_reason: Refusal
) -> list[str]:
    """What is kept, as arguments to stand before those ``given``, without what these say.

    What cannot be used is told in one line each and passed over.
    """
    if config is None:
        return []
    document = _document(config)
    kept = document.read(_understood) or {}
    said = options_in(given)
    arguments: list[str] = []
    for name, value in kept.items():
        if name in said:
            continue
        own = arguments_of({name: value})
        if why := rejection_reason(own):
            logger.warning("'%s': %s; passed over", document.path, why)
        else:
            arguments += own
    return arguments


def options_in(arguments: Sequence[str]) -> Kept:
    """The options of a valid command line, each with one value, several or none.

    >>> options_in(["--rate=48000", "--generate", "--osc-allow", "::1", "--osc-allow", "::2"])
    {'rate': '48000', 'generate': True, 'osc-allow': ['::1', '::2']}
    """
    found: dict[str, Any] = {}
    for argument, behind in zip_longest(arguments, arguments[1:], fillvalue="--"):
        if not argument.startswith("--"):
            continue
        name, equals, value = argument[2:].partition("=")
        given: Any = value if equals else True if behind.startswith("--") else behind
        before = found.get(name)
        if before is not None and given is not True:
            given = [*(before if isinstance(before, list) else [before]), given]
        found[name] = given
    return found


def arguments_of(kept: Kept) -> list[str]:
    """The arguments that say what is kept."""
    return [one for name, value in kept.items() for one in _said(name, value)]


def keep(config: Path, options: Kept) -> Path:
    """Write ``options`` in place of those that were kept; the file.

    Raises:
        SavedError: it cannot be written.
    """
    document = _document(config)
    document.read(_understood)  # what is no such file is kept beside
    document.write(options)
    return document.path


def _document(config: Path) -> JsonDocument:
    return JsonDocument(config / FILE_NAME, KIND)


def _understood(content: Mapping[str, Any]) -> Kept:
    for name, value in content.items():
        values = value if isinstance(value, list) else [value]
        if not all(isinstance(one, str | int | float) for one in values):
            raise ValueError(f"{name!r:.60} is no text, number, true, false or list of these")
    return content


def _said(name: str, value: object) -> Iterator[str]:
    if value is True:
        yield f"--{name}"
    elif value is not False:
        values = value if isinstance(value, list) else [value]
        yield from (f"--{name}={one}" for one in values)
