"""One recording: blocks queued by the engine's thread and written by another one.

    engine: receive --> queued blocks --> thread "recording": four times a second --> file
                         '--- too many: silence of the same length, counted

The engine's thread only appends to a deque. A writer that woke up for every block would take time
from the engine; four times a second is often enough to lose less than a second in a crash. A
hanging disk leaves a gap and no more: the recording continues, and what follows is in its place.
What is written survives the process; nothing is forced to the disk itself (fsync), which can take
seconds.

A file is the samples of one output, bit for bit. Another output, which may have another rate and
begins with a fade, begins another file, as field recorders do.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Protocol

import numpy as np

from export.audio.arrays import Floats
from server.output.output_path import OutputPath
from server.recording.flac import FlacFile
from server.recording.wav import WavFile
from server.system.callbacks import Then
from server.system.new_files import free_name

logger = logging.getLogger(__name__)

WRITE_S = 0.25
_BEGIN_S = 0.01
"""Until there is something to write, so that the file is empty for no longer."""
MAX_QUEUED_S = 20.0
_SILENCE_SAMPLES = 65_536
"""The most samples of silence written at once."""


class SoundWriter(Protocol):
    """Appends to a file that is valid at every moment."""

    def write(self, samples: Floats) -> None:
        """Append (T, C)."""

    def commit(self) -> None:
        """Make everything written readable for anyone who opens the file."""

    def close(self) -> None:
        """Finish the file."""


WRITERS: dict[str, Callable[[FileIO, int, int], SoundWriter]] = {".wav": WavFile, ".flac": FlacFile}
"""By the file's suffix; called with an empty file, rate (Hz) and channels."""


@dataclass(frozen=True)
class _Block:
    """A block of an output path's samples; without ``sound`` it was lost."""

    output_path: OutputPath
    shape: tuple[int, ...]
    sound: Floats | None = None

    @property
    def seconds(self) -> float:
        return self.shape[0] / self.output_path.output.sample_rate_hz


class Take:
    """``receive`` runs in the engine's thread; the event loop's reads the rest."""

    def __init__(self, path: Path, file: FileIO, on_file: Callable[[], None]) -> None:
        """``file`` is open at ``path`` and empty.

        ``on_file`` is called in the writing thread when another file begins.
        """
        self.paths = [path]
        """Its files, one after the other."""
        self.file = file
        self.on_file = on_file
        self.on_end: Then = lambda failure: None
        """Called, in the writing thread, when it is closed."""
        self.stopping = threading.Event()
        """Set to end it."""
        self.duration_s = 0.0
        self.lost_s = 0.0
        self.failure: str | None = None
        self.is_over = False
        self._queued: deque[_Block] = deque()
        self._queued_s = 0.0
        self._written_s = 0.0
        self._lost: _Block | None = None

    @property
    def path(self) -> Path:
        """The file that is being written."""
        return self.paths[-1]

    def receive(self, sound: Floats, output_path: OutputPath) -> None:
        """Queue a block of the main pair, (T, C), which must not change afterwards."""
        block = _Block(output_path, sound.shape, sound)
        self.duration_s += block.seconds
        lost = self._lost
        # Once late, the writer has to catch up a good deal: one long gap, not many short ones.
        max_queued_s = MAX_QUEUED_S / 2 if lost else MAX_QUEUED_S
        is_late = self._queued_s - self._written_s > max_queued_s
        if is_late and (lost is None or lost.output_path is output_path):
            samples = len(sound) + (lost.shape[0] if lost else 0)
            self._lost = _Block(output_path, (samples, sound.shape[1]))
            self.lost_s += block.seconds
            return
        self._queue_gap()
        self._queued_s += block.seconds
        self._queued.append(block)

    def write(self) -> None:
        """Write the whole take, until ``stopping`` is set or writing fails; in its own thread."""
        writer = _TakeFiles(self)
        try:
            try:
                self._write(writer)
            finally:
                writer.close()
        except OSError as error:
            self.failure = f"cannot write '{self.path}' ({error.strerror or error})"
        except Exception as error:  # our own mistakes must not be silent either
            self.failure = repr(error)
        self.is_over = True
        if self.failure is not None:
            logger.warning("the recording '%s' ends early: %s", self.path, self.failure)
        elif self.lost_s:
            logger.warning("the recording '%s' lacks %.2f s in all", self.path, self.lost_s)

    def _write(self, writer: _TakeFiles) -> None:
        is_last = False
        while not is_last:
            is_last = self.stopping.wait(WRITE_S if self._written_s else _BEGIN_S)
            if is_last:
                self._queue_gap()
            while self._queued:
                block = self._queued.popleft()
                writer.write(block)
                self._written_s += block.seconds if block.sound is not None else 0.0
            writer.commit()

    def _queue_gap(self) -> None:
        if self._lost is not None:
            self._queued.append(self._lost)
            self._lost = None


class _TakeFiles:
    """The files of a take, one after the other."""

    def __init__(self, take: Take) -> None:
        self._take = take
        self._file = take.file
        self._output_path: OutputPath | None = None
        self._writer: SoundWriter | None = None

    def write(self, block: _Block) -> None:
        if block.output_path is not self._output_path:
            self._begin_file(block.output_path, block.shape[1])
        assert self._writer is not None
        if block.sound is not None:
            self._writer.write(block.sound)
            return
        logger.warning(
            "the recording '%s' lacks %.2f s: the disk was too slow", self._take.path, block.seconds
        )
        for start in range(0, block.shape[0], _SILENCE_SAMPLES):
            count = min(_SILENCE_SAMPLES, block.shape[0] - start)
            self._writer.write(np.zeros((count, block.shape[1]), np.float32))

    def commit(self) -> None:
        if self._writer is not None:
            self._writer.commit()

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        else:  # nothing was received
            self._file.close()
            self._take.path.unlink(missing_ok=True)

    def _begin_file(self, output_path: OutputPath, channels: int) -> None:
        """Begin the first or the next file."""
        if self._output_path is not None:
            self.close()
            self._writer = None
            path, self._file = open_free(self._take.paths[0])
            self._take.paths.append(path)
            self._take.on_file()
        make_writer = WRITERS[self._take.path.suffix.lower()]
        self._output_path = output_path
        self._writer = make_writer(self._file, round(output_path.output.sample_rate_hz), channels)


def open_free(path: Path) -> tuple[Path, FileIO]:
    """Create a new file at ``path`` or the next free name beside it.

    Raises:
        OSError: it cannot be created.
    """
    while True:
        free = free_name(path)
        try:
            return free, FileIO(free, "x+")
        except FileExistsError:
            continue  # another process has just created it
