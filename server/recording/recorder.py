"""Records what is heard: begins and ends takes, and says how they are.

engine's thread --- hear ---> take ---> its own thread ---> WAV or FLAC
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from io import FileIO
from pathlib import Path

from server.output.output_path import OutputPath
from server.recording.take import WRITERS, Take, open_free
from server.system.arrays import Floats
from server.system.callbacks import Then
from server.system.new_files import beginning, require_harmless

logger = logging.getLogger(__name__)

LAST_WORDS_S = 10.0
"""A disk that hangs holds up the end of the program for no longer."""


class RecordingError(ValueError):
    """What cannot be recorded, or is not being recorded; said in one line."""


class SoundRecorder:
    """``hear`` is the engine's thread's, the rest the event loop's."""

    def __init__(
        self,
        folder: Path,
        on_change: Callable[[], None] = lambda: None,
        on_end: Then = lambda failure: None,
    ) -> None:
        """``folder`` is where names go. ``on_change`` is told that another file was begun,
        ``on_end`` of a take's end; in the thread that writes.
        """
        self._folder = folder
        self._on_change = on_change
        self._on_end = on_end
        self._take: Take | None = None
        self._last: Take | None = None
        self._threads: list[threading.Thread] = []

    @property
    def asked(self) -> Path | None:
        """What the recording was begun as, absolute; None where nothing is recorded."""
        take = self._take
        return None if take is None or take.is_over else take.paths[0].absolute()

    @property
    def name(self) -> str:
        """The file that is being written, empty where nothing is recorded."""
        take = self._take
        return "" if take is None or take.is_over else take.path.name

    @property
    def names(self) -> list[str]:
        """The files of the take that is recorded or was last."""
        return [path.name for path in self._last.paths] if self._last else []

    @property
    def seconds(self) -> float:
        """How long the take is that is recorded or was last."""
        return self._last.heard_s if self._last else 0.0

    @property
    def lost_s(self) -> float:
        """How much of it a slow disk has cost."""
        return self._last.lost_s if self._last else 0.0

    def begin_named(self, name: str) -> Path:
        """Record from the next block on into the folder; the file.

        Raises:
            RecordingError: no name for a file, one that is taken, or it cannot be written.
        """
        require_harmless(name, "a recording", RecordingError)
        return self.begin(self._folder / name)

    def begin(self, path: Path, *, is_free: bool = False) -> Path:
        """Record from the next block on into ``path``, which must be new; the file.

        Where it ends neither in .wav nor .flac, .wav is added. With ``is_free`` the next free name
        is taken.

        Raises:
            RecordingError: it is there already or cannot be written, or a recording goes on.
        """
        if self.name:
            raise RecordingError(f"{self.name} is being recorded; /record/stop ends it")
        path = path if path.suffix.lower() in WRITERS else path.with_name(f"{path.name}.wav")
        with beginning(path, RecordingError):
            path, file = open_free(path) if is_free else (path, FileIO(path, "x+"))
        self._run(Take([path], file, self._on_change))
        return path

    def end(self, then: Then = lambda failure: None) -> None:
        """End the recording now, and call ``then`` when it is closed.

        Raises:
            RecordingError: nothing is being recorded.
        """
        take = self._take
        if take is None or take.is_over:
            raise RecordingError("nothing is being recorded; /record/start begins")
        self._take, take.then = None, then
        take.ends.set()

    def close(self) -> None:
        """End what is being recorded and wait for its file; the engine has stopped."""
        if self._take is not None:
            self._take.ends.set()
        for thread in self._threads:
            thread.join(LAST_WORDS_S)
            if thread.is_alive():
                logger.warning("the disk does not take the rest of the recording")

    def hear(self, sound: Floats, lane: OutputPath) -> None:
        """What the main pair of ``lane`` was given, (T, C); the engine's thread."""
        take = self._take
        if take is not None and not take.is_over:
            take.hear(sound, lane)

    def _run(self, take: Take) -> None:
        def run() -> None:
            take.write()
            self._on_end(take.failure)
            take.then(take.failure)

        thread = threading.Thread(target=run, name="recording", daemon=True)
        self._threads = [*(one for one in self._threads if one.is_alive()), thread]
        self._last = self._take = take
        thread.start()
