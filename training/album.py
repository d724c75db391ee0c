"""The folder of a report: sounds and pictures beside ``report.json``, named by what they show."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import soundfile
from matplotlib.figure import Figure

from training.metrics import Samples

MEDIA = "media"


class Album:
    """Writes sounds and pictures and tells their names, relative to the report's folder."""

    def __init__(self, folder: Path, sample_rate_hz: int) -> None:
        self.folder = folder
        self.sample_rate_hz = sample_rate_hz
        (folder / MEDIA).mkdir(parents=True, exist_ok=True)

    def sound(self, name: str, samples: Samples) -> str:
        """A recording (T,), 16 bits, clipped at full scale."""
        path = f"{MEDIA}/{slug(name)}.flac"
        clipped = np.clip(samples, -1, 1)
        soundfile.write(self.folder / path, clipped, self.sample_rate_hz, subtype="PCM_16")
        return path

    def picture(self, name: str, figure: Figure) -> str:
        """A matplotlib figure as PNG."""
        path = f"{MEDIA}/{slug(name)}.png"
        figure.savefig(self.folder / path)
        return path


def slug(text: str) -> str:
    """The text as a file name."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:80]
