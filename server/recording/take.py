"""One recording: what the engine's thread lays down, a thread of its own writes.

    engine: hear --> blocks that wait --> thread "recording": four times a second --> file
                         '--- too many: silence of the same length, counted

The engine's thread only appends to a deque. One that wakes with every block would take turns away
from the sound; four times a second is often enough to lose less than a second. A disk that hangs
makes a gap and no more: the recording goes on, and what follows is in its place. What is written
survives the process; nothing is forced to the disk itself (fsync), for that can take seconds.

A file is what one output was given, bit for bit. Another output, which may have another rate and
begins with a fade, begins another file, as field recorders do.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from typing import Protocol

import numpy as np

from server.output.output_path import OutputPath
from server.recording.flac import FlacFile
from server.recording.wav import WavFile
from server.system.arrays import Floats
from server.system.callbacks import Then
from server.system.new_files import free_name

logger = logging.getLogger(__name__)

WRITE_S = 0.25
_BEGIN_S = 0.01
"""Until there is something to write, so that the file is empty for no longer."""
MOST_WAITING_S = 20.0
_SILENCE = 65_536
"""Samples of silence written at once."""


class SoundWriter(Protocol):
    """Appends to a file that is whole whenever it is looked at."""

    def write(self, samples: Floats) -> None:
        """Append (T, C)."""

    def settle(self) -> None:
        """From now on whoever opens the file finds all that was written."""

    def close(self) -> None:
        """Finish the file."""


WRITERS: dict[str, Callable[[FileIO, int, int], SoundWriter]] = {".wav": WavFile, ".flac": FlacFile}
"""By the ending of a name: given an empty file, rate (Hz) and channels."""


@dataclass(frozen=True)
class _Piece:
    """What an output was given; without ``sound`` it is lost."""

    lane: OutputPath
    shape: tuple[int, ...]
    sound: Floats | None = None

    @property
    def seconds(self) -> float:
        return self.shape[0] / self.lane.output.sample_rate_hz


@dataclass(eq=False)
class Take:
    """``hear`` is the engine's thread's; the rest is read by the event loop's."""

    paths: list[Path]
    """Its files, one behind the other."""
    file: FileIO
    """The first of them, open and empty."""
    on_file: Callable[[], None]
    """Told, in the thread that writes, that another file was begun."""
    then: Then = lambda failure: None
    """Told, in the thread that writes, when it is closed."""
    heard_s: float = 0.0
    lost_s: float = 0.0
    failure: str | None = None
    is_over: bool = False
    ends: threading.Event = field(default_factory=threading.Event)
    _waiting: deque[_Piece] = field(default_factory=deque)
    _laid_s: float = 0.0
    _written_s: float = 0.0
    _lost: _Piece | None = None

    @property
    def path(self) -> Path:
        """The file that is being written."""
        return self.paths[-1]

    def hear(self, sound: Floats, lane: OutputPath) -> None:
        """What the main pair of ``lane`` was given, (T, C); it must not change any more."""
        piece = _Piece(lane, sound.shape, sound)
        self.heard_s += piece.seconds
        lost = self._lost
        # Once it is late it has to catch up a good deal: one long gap, not many short ones.
        most_s = MOST_WAITING_S / 2 if lost else MOST_WAITING_S
        if self._laid_s - self._written_s > most_s and (lost is None or lost.lane is lane):
            samples = len(sound) + (lost.shape[0] if lost else 0)
            self._lost = _Piece(lane, (samples, sound.shape[1]))
            self.lost_s += piece.seconds
            return
        self._lay_gap()
        self._laid_s += piece.seconds
        self._waiting.append(piece)

    def write(self) -> None:
        """All of it, until it ``ends`` or fails; in a thread of its own."""
        writer = _TakeFiles(self)
        try:
            try:
                self._write(writer)
            finally:
                writer.close()
        except OSError as error:
            self.failure = f"cannot write '{self.path}' ({error.strerror or error})"
        except Exception as error:  # a fault of ours must not be silent either
            self.failure = repr(error)
        self.is_over = True
        if self.failure is not None:
            logger.warning("the recording '%s' ends early: %s", self.path, self.failure)
        elif self.lost_s:
            logger.warning("the recording '%s' lacks %.2f s in all", self.path, self.lost_s)

    def _write(self, writer: _TakeFiles) -> None:
        is_last = False
        while not is_last:
            is_last = self.ends.wait(WRITE_S if self._written_s else _BEGIN_S)
            if is_last:
                self._lay_gap()
            while self._waiting:
                piece = self._waiting.popleft()
                writer.write(piece)
                self._written_s += piece.seconds if piece.sound is not None else 0.0
            writer.settle()

    def _lay_gap(self) -> None:
        if self._lost is not None:
            self._waiting.append(self._lost)
            self._lost = None


class _TakeFiles:
    """The files of a take, one behind the other."""

    def __init__(self, take: Take) -> None:
        self._take = take
        self._file = take.file
        self._lane: OutputPath | None = None
        self._writer: SoundWriter | None = None

    def write(self, piece: _Piece) -> None:
        if piece.lane is not self._lane:
            self._change(piece.lane, piece.shape[1])
        assert self._writer is not None
        if piece.sound is not None:
            self._writer.write(piece.sound)
            return
        logger.warning(
            "the recording '%s' lacks %.2f s: the disk was too slow", self._take.path, piece.seconds
        )
        for at in range(0, piece.shape[0], _SILENCE):
            count = min(_SILENCE, piece.shape[0] - at)
            self._writer.write(np.zeros((count, piece.shape[1]), np.float32))

    def settle(self) -> None:
        if self._writer is not None:
            self._writer.settle()

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        else:  # nothing was heard
            self._file.close()
            self._take.path.unlink(missing_ok=True)

    def _change(self, lane: OutputPath, channels: int) -> None:
        """Begin the first file, or the next."""
        if self._lane is not None:
            self.close()
            self._writer = None
            path, self._file = open_free(self._take.paths[0])
            self._take.paths.append(path)
            self._take.on_file()
        make = WRITERS[self._take.path.suffix.lower()]
        self._lane = lane
        self._writer = make(self._file, round(lane.output.sample_rate_hz), channels)


def open_free(path: Path) -> tuple[Path, FileIO]:
    """A new file, ``path`` or the next free name beside it.

    Raises:
        OSError: there can be none.
    """
    while True:
        free = free_name(path)
        try:
            return free, FileIO(free, "x+")
        except FileExistsError:
            continue  # another one took it just now
