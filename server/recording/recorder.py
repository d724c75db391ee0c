"""The sound recorder: starts and ends takes, and reports on them.

engine's thread --- receive ---> take ---> its own thread ---> WAV or FLAC
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from io import FileIO
from pathlib import Path

from export.audio.arrays import Floats
from server.output.output_path import OutputPath
from server.recording.take import WRITERS, Take, open_free
from server.system.callbacks import Then
from server.system.new_files import creating, require_safe_name

logger = logging.getLogger(__name__)

MAX_CLOSING_S = 10.0
"""A hanging disk delays the end of the program by no more than this."""


class RecordingError(ValueError):
    """A recording cannot start, or there is none; the message is one line."""


class SoundRecorder:
    """``receive`` runs in the engine's thread, the rest in the event loop's."""

    def __init__(
        self,
        folder: Path,
        on_change: Callable[[], None] = lambda: None,
        on_end: Then = lambda failure: None,
    ) -> None:
        """``folder`` is where named recordings go.

        ``on_change`` is called when another file begins, ``on_end`` when a take ends; both in the
        writing thread.
        """
        self._folder = folder
        self._on_change = on_change
        self._on_end = on_end
        self._take: Take | None = None
        self._last: Take | None = None
        self._threads: list[threading.Thread] = []

    @property
    def first_path(self) -> Path | None:
        """The first file of the present recording, absolute; None where there is none."""
        take = self._take
        return None if take is None or take.is_over else take.paths[0].absolute()

    @property
    def name(self) -> str:
        """The file that is being written; empty where there is none."""
        take = self._take
        return "" if take is None or take.is_over else take.path.name

    @property
    def names(self) -> list[str]:
        """The files of the present or last take."""
        return [path.name for path in self._last.paths] if self._last else []

    @property
    def seconds(self) -> float:
        """The duration of the present or last take."""
        return self._last.duration_s if self._last else 0.0

    @property
    def lost_s(self) -> float:
        """The part of it that was lost to a slow disk."""
        return self._last.lost_s if self._last else 0.0

    def begin_named(self, name: str) -> Path:
        """Record into the folder from the next block on; return the file.

        Raises:
            RecordingError: the name is invalid or taken, or the file cannot be written.
        """
        require_safe_name(name, "a recording", RecordingError)
        return self.begin(self._folder / name)

    def begin(self, path: Path, *, is_free: bool = False) -> Path:
        """Record into ``path``, which must be new, from the next block on; return the file.

        A name that ends in neither .wav nor .flac gets .wav. With ``is_free``, the next free name
        is used.

        Raises:
            RecordingError: it exists already or cannot be written, or a recording is in progress.
        """
        if self.name:
            raise RecordingError(f"{self.name} is being recorded; /record/stop ends it")
        path = path if path.suffix.lower() in WRITERS else path.with_name(f"{path.name}.wav")
        with creating(path, RecordingError):
            path, file = open_free(path) if is_free else (path, FileIO(path, "x+"))
        self._run(Take(path, file, self._on_change))
        return path

    def end(self, then: Then = lambda failure: None) -> None:
        """End the recording now, and call ``then`` when it is closed.

        Raises:
            RecordingError: there is none.
        """
        take = self._take
        if take is None or take.is_over:
            raise RecordingError("nothing is being recorded; begin with /record/start")
        self._take, take.on_end = None, then
        take.stopping.set()

    def close(self) -> None:
        """End the recording and wait for its file; the engine must have stopped."""
        if self._take is not None:
            self._take.stopping.set()
        for thread in self._threads:
            thread.join(MAX_CLOSING_S)
            if thread.is_alive():
                logger.warning("the disk is too slow; the end of the recording is lost")

    def receive(self, sound: Floats, output_path: OutputPath) -> None:
        """Take a block of the main pair, (T, C); in the engine's thread."""
        take = self._take
        if take is not None and not take.is_over:
            take.receive(sound, output_path)

    def _run(self, take: Take) -> None:
        def run() -> None:
            take.write()
            self._on_end(take.failure)
            take.on_end(take.failure)

        thread = threading.Thread(target=run, name="recording", daemon=True)
        self._threads = [*(other for other in self._threads if other.is_alive()), thread]
        self._last = self._take = take
        thread.start()
