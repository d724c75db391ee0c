"""The presets in the configuration folder: a file each, ``verse-loud-1c9f0a3be2d4.json``.

The name that counts stands in the file. That of the file is made of it so that any file system
takes it and no name leads out of the folder; a file of any other name that is dropped here is found
as well. What cannot be understood is told once and left as it is. All here may wait for a disk.
"""

from __future__ import annotations

import hashlib
import itertools
import logging
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from export.bundle.atomic_write import sync_folder
from server.presets.preset import KIND, PROGRAMS, VERSION, Preset, content_of, understood
from server.system.json_document import DocumentError, JsonDocument

logger = logging.getLogger(__name__)

FOLDER, SUFFIX = "presets", ".json"
MAX_BYTES = 400_000
"""Of one preset: reading more while it plays would hold the engine up."""
_Stamp = tuple[int, int, int]
"""What changes with a file: when it was written, its size, which one it is."""


@dataclass(frozen=True)
class _PresetFile:
    path: Path
    preset: Preset


class PresetFolder:
    """Reads and writes below the configuration folder; used by one thread."""

    def __init__(self, config: Path) -> None:
        self._folder = config / FOLDER
        self._read: dict[Path, tuple[_Stamp, Preset | None]] = {}

    def presets(self) -> tuple[Preset, ...]:
        """All there are, by program, then by name.

        Raises:
            SavedError: the folder cannot be read.
        """
        found = [filed.preset for filed in self._filed().values()]
        return tuple(sorted(found, key=lambda one: (_place(one), one.name)))

    def save(self, preset: Preset) -> Preset:
        """Keep ``preset`` in place of one of its name; with the program that it has from now on.

        Raises:
            SavedError: it cannot be written, or its program is another's.
        """
        filed = self._filed()
        before = filed.get(preset.name)
        others = {one.preset.program: name for name, one in filed.items() if name != preset.name}
        program = preset.program
        if program is None:
            program = before.preset.program if before else _next_program(others)
        elif program in others:
            raise DocumentError(f"program {program} is that of preset '{others[program]}'")
        saved = replace(preset, program=program)
        path = before.path if before else self._free_path(preset.name, filed)
        document = JsonDocument(path, KIND, VERSION, MAX_BYTES)
        document.read(understood)  # what is no preset there is kept beside
        document.write(content_of(saved))
        return saved

    def delete(self, name: str) -> None:
        """Take the file of the preset ``name`` away.

        Raises:
            SavedError: there is none, or it cannot be done.
        """
        filed = self._filed().get(name)
        if filed is None:
            raise DocumentError(f"there is no preset '{name}'; /preset/list shows them")
        try:
            filed.path.unlink(missing_ok=True)
            sync_folder(self._folder)
        except OSError as error:
            raise DocumentError(f"cannot delete '{filed.path}' ({error.strerror})") from error

    def _filed(self) -> Mapping[str, _PresetFile]:
        """The presets by name; of two with one name, that whose file comes first."""
        filed: dict[str, _PresetFile] = {}
        for path in self._paths():
            preset = self._preset_at(path)
            if preset is None:
                continue
            first = filed.setdefault(preset.name, _PresetFile(path, preset))
            if first.path != path:
                logger.warning(
                    "'%s' and '%s' are both preset '%s'; the first one counts",
                    first.path.name,
                    path.name,
                    preset.name,
                )
        return filed

    def _paths(self) -> list[Path]:
        try:
            names = sorted(one.name for one in self._folder.iterdir())
        except FileNotFoundError:
            return []
        except OSError as error:
            raise DocumentError(f"cannot read '{self._folder}' ({error.strerror})") from error
        return [self._folder / n for n in names if n.endswith(SUFFIX) and not n.startswith(".")]

    def _preset_at(self, path: Path) -> Preset | None:
        """What is there; a file that has not changed is not read again."""
        try:
            status = path.stat()
            stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
            known, preset = self._read.get(path, (None, None))
            if known != stamp:
                preset = _opened(path)
                self._read[path] = (stamp, preset)
        except OSError:  # gone meanwhile
            return None
        return preset

    def _free_path(self, name: str, filed: Mapping[str, _PresetFile]) -> Path:
        """Where a preset that is not there yet goes; another one may lie there under this name."""
        taken = {one.path for one in filed.values()}
        return next(path for path in self._paths_for(name) if path not in taken)

    def _paths_for(self, name: str) -> Iterator[Path]:
        stem = file_stem(name)
        yield self._folder / (stem + SUFFIX)
        yield from (self._folder / f"{stem}-{n}{SUFFIX}" for n in itertools.count(2))


def file_stem(name: str) -> str:
    """A file's name for any preset's: letters that every system has, and a digest of all.

    >>> file_stem("../Verse: LOUD")
    'verse-loud-7d5408dff12a'
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40]
    return f"{words or 'preset'}-{hashlib.sha256(name.encode()).hexdigest()[:12]}"


def _opened(path: Path) -> Preset | None:
    try:
        return JsonDocument(path, KIND, VERSION, MAX_BYTES).opened(understood)
    except (DocumentError, ValueError) as error:
        why = " ".join(str(error).split())
        logger.warning("'%s' is passed over (%s); it is left as it is", path, why)
        return None


def _place(preset: Preset) -> int:
    return len(PROGRAMS) if preset.program is None else preset.program


def _next_program(taken: Mapping[int | None, str]) -> int | None:
    """Behind the last one; then what is free; none where all are taken."""
    last = max((one for one in taken if one is not None), default=-1)
    order = [*range(last + 1, len(PROGRAMS)), *PROGRAMS]
    return next((one for one in order if one not in taken), None)
