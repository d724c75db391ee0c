"""Sounds and pictures in the folder of a report, named after their content."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import soundfile
from matplotlib.figure import Figure

from export.audio.arrays import Floats

MEDIA = "media"


class MediaWriter:
    """Writes sounds and pictures; returns their paths relative to the report's folder.

    Raises:
        OSError: a file cannot be written; the error names it.
    """

    def __init__(self, folder: Path, sample_rate_hz: int) -> None:
        self.folder = folder
        self.sample_rate_hz = sample_rate_hz
        (folder / MEDIA).mkdir(parents=True, exist_ok=True)

    def sound(self, name: str, samples: Floats) -> str:
        """Write a sound (T,), or stereo (T, 2), as FLAC: 16 bits, clipped at full scale."""
        path = f"{MEDIA}/{slug(name)}.flac"
        clipped = np.clip(samples, -1, 1)
        with _named_errors(self.folder / path) as file:
            soundfile.write(file, clipped, self.sample_rate_hz, subtype="PCM_16")
        return path

    def picture(self, name: str, figure: Figure) -> str:
        """Write a matplotlib figure as PNG."""
        path = f"{MEDIA}/{slug(name)}.png"
        with _named_errors(self.folder / path) as file:
            figure.savefig(file)
        return path


@contextmanager
def _named_errors(path: Path) -> Iterator[Path]:
    """Name the file in the errors of soundfile and matplotlib, which do not on a full disk."""
    try:
        yield path
    except (OSError, soundfile.SoundFileError) as error:
        raise OSError(f"{path} cannot be written: {error}") from error


def slug(text: str) -> str:
    """Return the text as a file name."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:80]
