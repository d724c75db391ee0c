"""A JSON document in the configuration folder that is complete at every moment.

    {"preset": 1, ...}      its kind with the version of its format, then its content

It is written to a temporary file beside it, flushed to the disk, then renamed: readers, also after
a ``kill -9`` or a power cut, find the old document or the new one. Unreadable documents are kept:
renamed, never overwritten or deleted. All calls may wait for a disk: once sound plays, make them in
the thread of ``server.system.file_worker``.
"""

from __future__ import annotations

import itertools
import json
import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from export.bundle.atomic_write import atomic_write, remove_abandoned

logger = logging.getLogger(__name__)

MAX_BYTES = 4_000_000
"""More than any document has; keeps a wrong file from filling the memory."""

T = TypeVar("T")


class DocumentError(Exception):
    """A file of the configuration folder cannot be read or written; the message is one line."""


class JsonDocument:
    """The file ``path`` of one ``kind``, in ``version`` of its format."""

    def __init__(self, path: Path, kind: str, version: int = 1, max_bytes: int = MAX_BYTES) -> None:
        self.path = path
        self._kind = kind
        self._version = version
        self._max_bytes = max_bytes

    def read(self, understood: Callable[[Mapping[str, Any]], T]) -> T | None:
        """Return ``understood(content)``; None where there is no usable document.

        ``understood`` raises ``ValueError`` for invalid content; then, and where the file is no
        such document or of a newer version, the file is renamed, which is logged in one line.
        """
        try:
            return self.opened(understood)
        except DocumentError as error:
            logger.warning("%s; going on without it", error)
        except ValueError as error:
            self._set_aside(_in_one_line(error))
        return None

    def opened(self, understood: Callable[[Mapping[str, Any]], T]) -> T | None:
        """Return ``understood(content)``, leaving an invalid file where it is; None if there is
        none.

        Raises:
            DocumentError: the file exists and cannot be read.
            ValueError: it is no such document, or its content is invalid.
        """
        try:
            with self.path.open("rb") as file:
                text = file.read(self._max_bytes + 1)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise DocumentError(f"cannot read '{self.path}' ({error.strerror or error})") from error
        return understood(self._content(text))

    def write(self, content: Mapping[str, Any]) -> None:
        """Replace the whole file; the folder is created if needed.

        An existing file that is no such document, or of a newer version, is renamed first.

        Raises:
            DocumentError: it cannot be written, or an existing file cannot be read and would be
                lost.
        """
        try:
            self.opened(dict)
        except ValueError as error:
            self._set_aside(_in_one_line(error))
        lines = json.dumps({self._kind: self._version, **content}, ensure_ascii=False, indent=1)
        try:
            path = self.path.resolve()  # of a link, the file that it means
            path.parent.mkdir(parents=True, exist_ok=True)
            remove_abandoned(path.parent)
            with atomic_write(path, mode=0o600, sync_name=True) as file:
                # A lone surrogate, which the name of a file may have, goes as JSON's escape of it.
                file.write(f"{lines}\n".encode(errors="backslashreplace"))
        except (OSError, RuntimeError) as error:
            why = getattr(error, "strerror", None) or error
            raise DocumentError(f"cannot write '{self.path}' ({why})") from error

    def _content(self, text: bytes) -> Mapping[str, Any]:
        if len(text) > self._max_bytes:
            raise ValueError(f"more than {self._max_bytes} bytes")
        try:
            found = json.loads(
                text.decode("utf-8-sig"),
                parse_constant=_no_number,
                object_pairs_hook=_without_doubles,
            )
        except RecursionError:
            raise ValueError("too deep") from None
        version = found.pop(self._kind, None) if isinstance(found, dict) else None
        if type(version) is not int:
            raise ValueError(f'no {self._kind}; one begins with {{"{self._kind}": {self._version}')
        if version != self._version:
            raise ValueError(f"version {version} of a {self._kind}, not {self._version}")
        content: Mapping[str, Any] = found
        return content

    def _set_aside(self, why: str) -> None:
        """Rename an unusable file to a free name."""
        names = (self.path.with_name(f"{self.path.name}.unusable-{n}") for n in itertools.count(1))
        aside = next(name for name in names if not os.path.lexists(name))
        try:
            self.path.rename(aside)
        except OSError as error:
            reason = error.strerror or error
            logger.warning("'%s' cannot be used (%s), nor renamed (%s)", self.path, why, reason)
        else:
            logger.warning("'%s' cannot be used (%s); kept as '%s'", self.path, why, aside.name)


def _in_one_line(error: ValueError) -> str:
    return " ".join(str(error).split())


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("one name stands twice in an object")
    return found
