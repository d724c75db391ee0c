"""A FLAC file that is valid at every moment: 24 bits, each sample rounded to the nearest.

libsndfile writes frame by frame and stores the number of samples only at the end; a file without it
seems empty or endless to readers. So the number of samples in complete frames is written into the
first metadata block (STREAMINFO, RFC 9639, section 8.2) while the file grows.
"""

from __future__ import annotations

import os
from io import FileIO

import numpy as np

from export.audio.arrays import Floats
from server.system.new_files import write_all

BITS = 24
_BLOCK_AT, _COUNT_AT, _MD5_AT = 8, 18, 26
"""Offsets in the file of STREAMINFO's samples per frame (16 bits), samples in all (the low 36 of
64) and checksum.
"""
_COUNT_MASK = 2**36 - 1


class _ErrorKeepingFile:
    """A file for libsndfile that remembers why a write has failed."""

    def __init__(self, file: FileIO) -> None:
        self.error: OSError | None = None
        self._file = file
        self.seek, self.tell, self.readinto = file.seek, file.tell, file.readinto

    def write(self, data: bytes) -> int:
        """Write all of ``data``, or nothing once a write has failed."""
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
            OSError: it cannot be written, or FLAC does not support the rate or the channels.
        """
        import soundfile

        self._file = file
        self._written = self._committed = 0
        self._error_keeping_file = _ErrorKeepingFile(file)
        self._soundfile_error: type[Exception] = soundfile.SoundFileError
        try:
            self._sound = soundfile.SoundFile(
                self._error_keeping_file, "w", rate_hz, channels, subtype="PCM_24", format="FLAC"
            )
        except soundfile.SoundFileError as error:
            raise self._error_keeping_file.error or OSError(str(error)) from error
        self._committed_bytes = self._size()

    def write(self, samples: Floats) -> None:
        """Append (T, C).

        Raises:
            OSError: they cannot be written; the earlier samples stay.
        """
        full = 2 ** (BITS - 1)
        integers = np.clip(np.rint(samples * np.float32(full)), -full, full - 1).astype(np.int32)
        try:
            self._sound.write(integers << (32 - BITS))
        except (self._soundfile_error, AssertionError) as error:  # AssertionError: a short write
            raise self._error_keeping_file.error or OSError(repr(error)) from error
        self._written += len(samples)

    def commit(self) -> None:
        """Make everything written readable for anyone who opens the file, except the last frame.

        Raises:
            OSError: the file cannot be written.
        """
        if not self._written:
            return  # there is no header yet
        self._committed_bytes = self._size()
        frame_samples = int.from_bytes(self._bytes(_BLOCK_AT, 2), "big")
        # A frame is written when the first sample of the next one arrives.
        self._committed = (self._written - 1) // frame_samples * frame_samples
        self._write_count()

    def close(self) -> None:
        """Finish the file; without the last frames, where they could not be written.

        Raises:
            OSError: the file cannot be written.
        """
        with self._file:
            try:
                self._sound.close()
            except self._soundfile_error as error:
                if self._error_keeping_file.error is None:
                    raise OSError(str(error)) from error
            if self._error_keeping_file.error is not None:
                self._file.truncate(self._committed_bytes)
                self._write_count()
                self._file.seek(_MD5_AT)
                write_all(self._file, bytes(16))  # unknown

    def _write_count(self) -> None:
        reserved = int.from_bytes(self._bytes(_COUNT_AT, 8), "big") & ~_COUNT_MASK
        self._file.seek(_COUNT_AT)
        write_all(self._file, (reserved | self._committed & _COUNT_MASK).to_bytes(8, "big"))
        self._file.seek(0, os.SEEK_END)

    def _bytes(self, at: int, count: int) -> bytes:
        self._file.seek(at)
        return self._file.read(count)

    def _size(self) -> int:
        return self._file.seek(0, os.SEEK_END)
