"""The beginning of a long file, heard while the rest of it is still being read.

    blocks as they are read -> after 0.15 s, at least two seconds: a gain -> file as long as the
                                       music is to be -> heard; silent where not yet read

The gain is that of the first seconds, at most 1; the final one is known at the end of the file,
when all of it is heard in place of this.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from export.audio.arrays import Floats
from export.audio.decoding import length_s
from export.audio.scratch import FilledArray
from export.audio.stereo import to_pcm
from export.bundle.format import Manifest
from server.engine.deck import Recording, fade_in

FIRST_S = 2.0
PATIENCE_S = 0.15
"""Most files are read whole in this time; then no place of the playhead is still silent."""
SHORTEST_S = 10.0
"""A shorter file is read whole before it is heard; that takes a tenth of a second."""

Heard = Callable[[str, Recording, float], None]
"""Called with the name of a recording that can be heard, the recording, and its gain in dB."""


class EarlyRecording:
    """Takes the blocks (T, 2) of ``source`` at the model's rate, and calls ``heard`` once.

    Raises:
        AudioError: no room on the disk.
    """

    def __init__(self, source: Path, path: Path, manifest: Manifest, heard: Heard) -> None:
        """``path`` is the new file."""
        self._source = source
        self._path = path
        self._manifest = manifest
        self._heard = heard
        self._started_s = time.monotonic()
        self._first: list[Floats] = []
        self._has_begun = False
        self._gain = 1.0
        self._pcm: FilledArray | None = None

    def __call__(self, block: Floats) -> None:
        """Take the next block."""
        if self._has_begun:
            self._write(block)
            return
        self._first.append(block)
        is_late = time.monotonic() - self._started_s >= PATIENCE_S
        if is_late and sum(map(len, self._first)) >= FIRST_S * self._manifest.sample_rate_hz:
            self._has_begun = True
            self._begin(np.concatenate(self._first))
            self._first.clear()

    def close(self) -> None:
        """The file has been read, or cannot be; what is heard stays."""
        if self._pcm is not None:
            self._pcm.finished()

    def _begin(self, first: Floats) -> None:
        rate_hz, tick = self._manifest.sample_rate_hz, self._manifest.tick_samples
        seconds = length_s(self._source) or 0.0
        if seconds < SHORTEST_S:
            return
        self._gain, gain_db = self._gain_of(first)
        samples = round(seconds * rate_hz) // tick * tick
        self._pcm = FilledArray(np.int16, (samples, 2), self._path)
        beginning = to_pcm(first, self._gain)
        fade_in(beginning, rate_hz)
        self._pcm.add(beginning)
        self._heard(self._source.stem, Recording(self._pcm.array), gain_db)

    def _write(self, block: Floats) -> None:
        if self._pcm is not None:
            self._pcm.add(to_pcm(block, self._gain))

    def _gain_of(self, first: Floats) -> tuple[float, float]:
        """The gain of the first seconds (T, 2), as a factor and in dB.

        By their power, not by BS.1770: that library takes two seconds to load.
        """
        power = max(float(np.square(first.mean(axis=1), dtype=np.float64).mean()), 1e-12)
        gain_db = min(self._manifest.loudness_lufs - 10 * float(np.log10(power)), 0.0)
        return 10 ** (gain_db / 20), gain_db
