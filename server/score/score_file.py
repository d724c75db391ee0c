"""A score as a file: JSON lines, each a change and its time, read defensively.

    {"score": 1, "bundle": "default", "digest": "3f...", "block_frames": 2}    a recording's first
    {"t": 0.5, "address": "/interp", "args": [0.5]}
    {"t": 12.0, "end": true}                                                   a recording's last

Only lines of the middle kind are required. ``t`` is in seconds from the start. Lines may come in
any order; those of one time keep theirs and are carried out together. ``server.score.score``
interprets them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from server.osc.arguments import Argument
from server.system.printable import shown

VERSION = 1
MAX_SECONDS = 6 * 3600.0
MAX_BLOCK_FRAMES = 4096
MAX_LINES = 1_000_000
MAX_LINE_CHARACTERS = 1_000_000
_KEYS = {"t", "address", "args"}


class ScoreError(ValueError):
    """A score that cannot be played; the message names file and line."""


@dataclass(frozen=True)
class Header:
    """The origin of a recorded score; ``digest`` is the bundle's."""

    bundle: str
    digest: str
    block_frames: int


@dataclass(frozen=True)
class ScoreLine:
    """One change: line ``number`` of the file, ``time_s`` from the start."""

    number: int
    time_s: float
    address: str
    arguments: tuple[Argument, ...]


@dataclass(frozen=True)
class ScoreFile:
    """All lines by time, and the header of a recording."""

    path: Path
    lines: tuple[ScoreLine, ...]
    header: Header | None = None
    end_s: float | None = None

    def error(self, line: int, reason: str) -> ScoreError:
        """Return an error about ``line`` that names file and line."""
        return ScoreError(f"score '{self.path}', line {line}: {reason}")


def read_score_file(path: Path) -> ScoreFile:
    """Read and check the whole file.

    Raises:
        ScoreError: it cannot be read, or a line is none of the three kinds.
    """
    header: Header | None = None
    end_s: float | None = None
    lines: list[ScoreLine] = []
    read = ScoreFile(path, ())
    for number, text in _texts(path):
        try:
            found = _object(text)
            if "score" in found and not (header or lines):
                header = _header(found)
            elif "end" in found:
                end_s = _time(found)
            else:
                lines.append(_line(number, found))
        except ValueError as error:
            raise read.error(number, str(error)) from error
    return ScoreFile(path, tuple(sorted(lines, key=lambda line: line.time_s)), header, end_s)


def _texts(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines that are not blank, each with its number."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            for number in range(1, MAX_LINES + 2):
                text = file.readline(MAX_LINE_CHARACTERS + 1)
                if not text:
                    return
                if number > MAX_LINES or len(text) > MAX_LINE_CHARACTERS:
                    raise ScoreError(
                        f"score '{path}', line {number}: at most {MAX_LINES} lines of "
                        f"{MAX_LINE_CHARACTERS} characters are read"
                    )
                if text.strip():
                    yield number, text
    except OSError as error:
        raise ScoreError(f"score '{path}' cannot be read ({error.strerror or error})") from error
    except UnicodeDecodeError as error:
        raise ScoreError(f"score '{path}' is not UTF-8 text; expected JSON lines") from error


def _object(text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ValueError(
            f"{shown(text.strip())} is not a JSON object; "
            'expected {"t": SECONDS, "address": "/interp", "args": [0.5]}'
        )
    return found


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(text)


def _header(found: Mapping[str, Any]) -> Header:
    if found["score"] != VERSION:
        raise ValueError(f"this is version {shown(found['score'])}; version {VERSION} is read")
    bundle, digest, frames = found.get("bundle"), found.get("digest"), found.get("block_frames")
    are_texts = isinstance(bundle, str) and isinstance(digest, str)
    if not are_texts or type(frames) is not int or not 1 <= frames <= MAX_BLOCK_FRAMES:
        raise ValueError("the first line of a recording must have bundle, digest and block_frames")
    return Header(str(bundle), str(digest), frames)


def _line(number: int, found: Mapping[str, Any]) -> ScoreLine:
    if unknown := sorted(found.keys() - _KEYS):
        raise ValueError(f"{shown(unknown[0])} is unknown; allowed are t, address and args")
    address, arguments = found.get("address"), found.get("args", [])
    if not isinstance(address, str):
        raise ValueError(f"address is {shown(address)}; expected text such as /interp")
    if not isinstance(arguments, list):
        raise ValueError(f"args is {shown(arguments)}; expected a list such as [0.5]")
    return ScoreLine(number, _time(found), address, tuple(_argument(one) for one in arguments))


def _time(found: Mapping[str, Any]) -> float:
    time_s: Any = found.get("t")
    if type(time_s) not in (int, float) or not 0 <= time_s <= MAX_SECONDS:
        raise ValueError(f"t is {shown(time_s)}; expected 0 to {MAX_SECONDS:g} seconds")
    return float(time_s)


def _argument(value: object) -> Argument:
    if isinstance(value, list):
        return tuple(_argument(one) for one in value)
    if isinstance(value, float) or (isinstance(value, int) and -(2**63) <= value < 2**63):
        return value
    if isinstance(value, str) and _is_text(value):
        return value
    raise ValueError(f"{shown(value)} in args; allowed are numbers, text, true and false")


def _is_text(value: str) -> bool:
    """Return True for text that can be sent and be a file's name: JSON allows lone surrogates."""
    try:
        return bool(value.encode())
    except UnicodeEncodeError:
        return False
