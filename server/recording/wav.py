"""A WAV file that is valid at every moment: 32-bit float, so that it holds the sound exactly.

    RIFF or RF64 | JUNK or ds64 | fmt | fact | data ...

libsndfile can update the header of an open file, but soundfile does not expose that; these 94 bytes
are all it takes. Beyond 4 GB the reserved chunk takes the true sizes (RF64, EBU Tech 3306); the
data never move.
"""

from __future__ import annotations

import os
import struct
from io import FileIO

import numpy as np

from export.audio.arrays import Floats
from server.system.new_files import write_all

SAMPLE_BYTES = 4
HEADER_BYTES = 94
RIFF_BYTES = 2**32 - 1
"""The largest size in 32 bits, which in RF64 means: see ds64."""

_IEEE_FLOAT = 3
_DS64_BYTES, _FMT_BYTES, _FACT_BYTES = 28, 18, 4


class WavFile:
    """Appends samples to an empty file."""

    def __init__(self, file: FileIO, rate_hz: int, channels: int) -> None:
        """``file`` is open for writing and reading.

        Raises:
            OSError: it cannot be written.
        """
        self._file = file
        self._rate_hz = rate_hz
        self._channels = channels
        self._samples = 0
        write_all(file, header(rate_hz, channels, 0))

    def write(self, samples: Floats) -> None:
        """Append (T, C).

        Raises:
            OSError: they cannot be written; the earlier samples stay.
        """
        write_all(self._file, np.ascontiguousarray(samples, "<f4").tobytes())
        self._samples += len(samples)

    def commit(self) -> None:
        """Make everything written readable for anyone who opens the file.

        Raises:
            OSError: the file cannot be written.
        """
        self._file.seek(0)
        write_all(self._file, header(self._rate_hz, self._channels, self._samples))
        self._file.seek(0, os.SEEK_END)

    def close(self) -> None:
        """Finish the file with whole samples, even where the last could not be written.

        Raises:
            OSError: the file cannot be written.
        """
        with self._file:
            self._file.truncate(HEADER_BYTES + self._samples * self._channels * SAMPLE_BYTES)
            self.commit()


def header(rate_hz: int, channels: int, samples: int) -> bytes:
    """Return the header for ``samples`` samples of each channel."""
    width = channels * SAMPLE_BYTES
    data_bytes = samples * width
    riff_bytes = HEADER_BYTES - 8 + data_bytes
    is_large = riff_bytes > RIFF_BYTES
    sizes = struct.pack("<QQQI", riff_bytes, data_bytes, samples, 0) if is_large else bytes(28)
    return b"".join(
        (
            struct.pack("<4sI4s", b"RF64" if is_large else b"RIFF", _clipped(riff_bytes), b"WAVE"),
            struct.pack("<4sI28s", b"ds64" if is_large else b"JUNK", _DS64_BYTES, sizes),
            struct.pack("<4sI", b"fmt ", _FMT_BYTES),
            struct.pack("<HHIIHHH", _IEEE_FLOAT, channels, rate_hz, rate_hz * width, width, 32, 0),
            struct.pack("<4sII", b"fact", _FACT_BYTES, _clipped(samples)),
            struct.pack("<4sI", b"data", RIFF_BYTES if is_large else data_bytes),
        )
    )


def _clipped(size: int) -> int:
    return min(size, RIFF_BYTES)
