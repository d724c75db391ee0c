"""The folder of a report: sounds and pictures beside ``report.json``, named by what they show."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import soundfile
from matplotlib.figure import Figure

from training.measures.metrics import Samples

MEDIA = "media"


class MediaWriter:
    """Writes sounds and pictures and tells their names, relative to the report's folder.

    Raises:
        OSError: one of them cannot be written, by name.
    """

    def __init__(self, folder: Path, sample_rate_hz: int) -> None:
        self.folder = folder
        self.sample_rate_hz = sample_rate_hz
        (folder / MEDIA).mkdir(parents=True, exist_ok=True)

    def sound(self, name: str, samples: Samples) -> str:
        """A recording (T,), 16 bits, clipped at full scale."""
        path = f"{MEDIA}/{slug(name)}.flac"
        clipped = np.clip(samples, -1, 1)
        with _named(self.folder / path) as file:
            soundfile.write(file, clipped, self.sample_rate_hz, subtype="PCM_16")
        return path

    def picture(self, name: str, figure: Figure) -> str:
        """A matplotlib figure as PNG."""
        path = f"{MEDIA}/{slug(name)}.png"
        with _named(self.folder / path) as file:
            figure.savefig(file)
        return path


@contextmanager
def _named(path: Path) -> Iterator[Path]:
    """soundfile's and matplotlib's errors on a full disk do not say where."""
    try:
        yield path
    except (OSError, soundfile.SoundFileError) as error:
        raise OSError(f"{path} cannot be written: {error}") from error


def slug(text: str) -> str:
    """The text as a file name."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:80]
