"""A FLAC file that is whole at every moment: 24 bits, each sample rounded to the nearest.

libsndfile writes frame by frame and says how many samples there are only at the end; a reader of a
file without that end finds none, or takes them for endless. So the number of samples in complete
frames is written into the first metadata block (STREAMINFO, RFC 9639, section 8.2) as it grows.
"""

from __future__ import annotations

import os
from io import FileIO

import numpy as np

from server.system.arrays import Floats
from server.system.new_files import write_all

BITS = 24
_BLOCK_AT, _COUNT_AT, _MD5_AT = 8, 18, 26
"""Where STREAMINFO holds the samples of a frame (16 bits), of the file (the low 36 of 64), and
their checksum."""
_COUNT_MASK = 2**36 - 1


class _ErrorKeepingFile:
    """A file for libsndfile, which forgets why a write has failed."""

    def __init__(self, file: FileIO) -> None:
        self.error: OSError | None = None
        self._file = file
        self.seek, self.tell, self.readinto = file.seek, file.tell, file.readinto

    def write(self, data: bytes) -> int:
        """Write all of it, or nothing more once that has failed."""
        try:
            if self.error is None:
                write_all(self._file, data)
                return len(data)
        except OSError as error:
            self.error = error
        return 0


class FlacFile:
    """Appends samples to an empty file; see ``server.recording.wav.WavFile``."""

    def __init__(self, file: FileIO, rate_hz: int, channels: int) -> None:
        """``file`` is open for writing and reading.

        Raises:
            OSError: it cannot be written, or FLAC has no such rate or channels.
        """
        import soundfile

        self._file = file
        self._written = self._settled = 0
        self._remembering = _ErrorKeepingFile(file)
        self._error: type[Exception] = soundfile.SoundFileError
        try:
            self._sound = soundfile.SoundFile(
                self._remembering, "w", rate_hz, channels, subtype="PCM_24", format="FLAC"
            )
        except soundfile.SoundFileError as error:
            raise self._remembering.error or OSError(str(error)) from error
        self._settled_bytes = self._size()

    def write(self, samples: Floats) -> None:
        """Append (T, C).

        Raises:
            OSError: it cannot be written; what was there before stays.
        """
        full = 2 ** (BITS - 1)
        numbers = np.clip(np.rint(samples * np.float32(full)), -full, full - 1).astype(np.int32)
        try:
            self._sound.write(numbers << (32 - BITS))
        except (self._error, AssertionError) as error:  # the latter where it wrote too little
            raise self._remembering.error or OSError(repr(error)) from error
        self._written += len(samples)

    def settle(self) -> None:
        """From now on whoever opens the file finds all that was written, but for one frame.

        Raises:
            OSError: it cannot be written.
        """
        if not self._written:
            return  # nor is there a header yet
        self._settled_bytes = self._size()
        frame_samples = int.from_bytes(self._bytes(_BLOCK_AT, 2), "big")
        # A frame is written when the first sample behind it has come.
        self._settled = (self._written - 1) // frame_samples * frame_samples
        self._tell_count()

    def close(self) -> None:
        """End; where the last frames could not be written, with those before.

        Raises:
            OSError: it cannot be written.
        """
        with self._file:
            try:
                self._sound.close()
            except self._error as error:
                if self._remembering.error is None:
                    raise OSError(str(error)) from error
            if self._remembering.error is not None:
                self._file.truncate(self._settled_bytes)
                self._tell_count()
                self._file.seek(_MD5_AT)
                write_all(self._file, bytes(16))  # not known

    def _tell_count(self) -> None:
        held = int.from_bytes(self._bytes(_COUNT_AT, 8), "big") & ~_COUNT_MASK
        self._file.seek(_COUNT_AT)
        write_all(self._file, (held | self._settled & _COUNT_MASK).to_bytes(8, "big"))
        self._file.seek(0, os.SEEK_END)

    def _bytes(self, at: int, count: int) -> bytes:
        self._file.seek(at)
        return self._file.read(count)

    def _size(self) -> int:
        return self._file.seek(0, os.SEEK_END)
