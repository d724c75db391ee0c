"""The presets in the configuration folder: a file each, ``verse-loud-1c9f0a3be2d4.json``.

The preset's name is in the file. The name of the file is derived from it so that every file system
accepts it and no name leads out of the folder; a file of any other name that is dropped here is
found as well. A file that is no preset is logged once and left as it is. Everything here may wait
for a disk.
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
from server.presets.preset import KIND, PROGRAMS, VERSION, Preset, content_of, parse
from server.system.json_document import DocumentError, JsonDocument

logger = logging.getLogger(__name__)

FOLDER, SUFFIX = "presets", ".json"
MAX_BYTES = 400_000
"""Of one preset: reading more while music plays would delay the engine."""
_Stamp = tuple[int, int, int]
"""Time of writing, size and inode of a file: it changes with the content."""


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
        """Return all presets, by program, then by name.

        Raises:
            DocumentError: the folder cannot be read.
        """
        presets = [file.preset for file in self._files().values()]
        return tuple(sorted(presets, key=lambda preset: (_sort_key(preset), preset.name)))

    def save(self, preset: Preset) -> Preset:
        """Write ``preset`` in place of one of its name; return it with its program.

        Without a program it keeps that of the old preset, or gets the next free one.

        Raises:
            DocumentError: it cannot be written, or another preset has its program.
        """
        files = self._files()
        old = files.get(preset.name)
        others = {one.preset.program: name for name, one in files.items() if name != preset.name}
        program = preset.program
        if program is None:
            program = old.preset.program if old else _next_program(others)
        elif program in others:
            raise DocumentError(f"program {program} is that of preset '{others[program]}'")
        saved = replace(preset, program=program)
        path = old.path if old else self._free_path(preset.name, files)
        document = JsonDocument(path, KIND, VERSION, MAX_BYTES)
        document.read(parse)  # sets aside a file there that is no preset
        document.write(content_of(saved))
        return saved

    def delete(self, name: str) -> None:
        """Delete the file of the preset ``name``.

        Raises:
            DocumentError: there is no such preset, or its file cannot be deleted.
        """
        file = self._files().get(name)
        if file is None:
            raise DocumentError(f"there is no preset '{name}'; /preset/list shows them")
        try:
            file.path.unlink(missing_ok=True)
            sync_folder(self._folder)
        except OSError as error:
            raise DocumentError(f"cannot delete '{file.path}' ({error.strerror})") from error

    def _files(self) -> Mapping[str, _PresetFile]:
        """Return the presets by name; of two with the same name, the one whose file comes first."""
        files: dict[str, _PresetFile] = {}
        for path in self._paths():
            preset = self._preset_at(path)
            if preset is None:
                continue
            first = files.setdefault(preset.name, _PresetFile(path, preset))
            if first.path != path:
                logger.warning(
                    "'%s' and '%s' are both preset '%s'; the first one counts",
                    first.path.name,
                    path.name,
                    preset.name,
                )
        return files

    def _paths(self) -> list[Path]:
        try:
            names = sorted(one.name for one in self._folder.iterdir())
        except FileNotFoundError:
            return []
        except OSError as error:
            raise DocumentError(f"cannot read '{self._folder}' ({error.strerror})") from error
        return [self._folder / n for n in names if n.endswith(SUFFIX) and not n.startswith(".")]

    def _preset_at(self, path: Path) -> Preset | None:
        """Return the preset in the file ``path``; a file that has not changed is not read again."""
        try:
            status = path.stat()
            stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
            known, preset = self._read.get(path, (None, None))
            if known != stamp:
                preset = _read_preset(path)
                self._read[path] = (stamp, preset)
        except OSError:  # deleted meanwhile
            return None
        return preset

    def _free_path(self, name: str, files: Mapping[str, _PresetFile]) -> Path:
        """Return a path for a new preset; one of another name may be in the file of this name."""
        taken = {one.path for one in files.values()}
        return next(path for path in self._paths_for(name) if path not in taken)

    def _paths_for(self, name: str) -> Iterator[Path]:
        stem = file_stem(name)
        yield self._folder / (stem + SUFFIX)
        yield from (self._folder / f"{stem}-{n}{SUFFIX}" for n in itertools.count(2))


def file_stem(name: str) -> str:
    """Return a file name for a preset's name: letters that every system has, and a digest.

    >>> file_stem("../Verse: LOUD")
    'verse-loud-7d5408dff12a'
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40]
    return f"{words or 'preset'}-{hashlib.sha256(name.encode()).hexdigest()[:12]}"


def _read_preset(path: Path) -> Preset | None:
    try:
        return JsonDocument(path, KIND, VERSION, MAX_BYTES).opened(parse)
    except (DocumentError, ValueError) as error:
        why = " ".join(str(error).split())
        logger.warning("'%s' is no preset (%s); ignored, and left as it is", path, why)
        return None


def _sort_key(preset: Preset) -> int:
    return len(PROGRAMS) if preset.program is None else preset.program


def _next_program(taken: Mapping[int | None, str]) -> int | None:
    """Return the program after the last one, else the first free one; None if all are taken."""
    last = max((one for one in taken if one is not None), default=-1)
    order = [*range(last + 1, len(PROGRAMS)), *PROGRAMS]
    return next((one for one in order if one not in taken), None)
