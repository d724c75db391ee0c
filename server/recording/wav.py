"""A WAV file that is whole at every moment: 32-bit float, so that it holds what was heard exactly.

    RIFF or RF64 | JUNK or ds64 | fmt | fact | data ...

libsndfile could bring the header of an open file up to date, but soundfile does not give that to
us; these 94 bytes are all that is needed. Beyond 4 GB the place that was kept free takes the true
sizes (RF64, EBU Tech 3306); the data never move.
"""

from __future__ import annotations

import os
import struct
from io import FileIO

import numpy as np

from server.system.arrays import Floats
from server.system.new_files import write_all

SAMPLE_BYTES = 4
HEADER_BYTES = 94
RIFF_BYTES = 2**32 - 1
"""The most that fits into a size of 32 bits, which in RF64 means: look into ds64."""

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
            OSError: it cannot be written; what was there before stays.
        """
        write_all(self._file, np.ascontiguousarray(samples, "<f4").tobytes())
        self._samples += len(samples)

    def settle(self) -> None:
        """From now on whoever opens the file finds all that was written.

        Raises:
            OSError: it cannot be written.
        """
        self._file.seek(0)
        write_all(self._file, header(self._rate_hz, self._channels, self._samples))
        self._file.seek(0, os.SEEK_END)

    def close(self) -> None:
        """End with whole samples, also where the last of them could not be written.

        Raises:
            OSError: it cannot be written.
        """
        with self._file:
            self._file.truncate(HEADER_BYTES + self._samples * self._channels * SAMPLE_BYTES)
            self.settle()


def header(rate_hz: int, channels: int, samples: int) -> bytes:
    """What stands before ``samples`` samples of each channel."""
    width = channels * SAMPLE_BYTES
    data_bytes = samples * width
    riff_bytes = HEADER_BYTES - 8 + data_bytes
    is_large = riff_bytes > RIFF_BYTES
    sizes = struct.pack("<QQQI", riff_bytes, data_bytes, samples, 0) if is_large else bytes(28)
    return b"".join(
        (
            struct.pack("<4sI4s", b"RF64" if is_large else b"RIFF", _short(riff_bytes), b"WAVE"),
            struct.pack("<4sI28s", b"ds64" if is_large else b"JUNK", _DS64_BYTES, sizes),
            struct.pack("<4sI", b"fmt ", _FMT_BYTES),
            struct.pack("<HHIIHHH", _IEEE_FLOAT, channels, rate_hz, rate_hz * width, width, 32, 0),
            struct.pack("<4sII", b"fact", _FACT_BYTES, _short(samples)),
            struct.pack("<4sI", b"data", RIFF_BYTES if is_large else data_bytes),
        )
    )


def _short(size: int) -> int:
    return min(size, RIFF_BYTES)
