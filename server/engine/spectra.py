"""Spectra as the decoder gives them, and the grid on which they stand.

    frame n        |         hop         |
    spectra        |  l = rn   | l = rn+1|      r spectra a frame, each in the middle of its hop
    window              |------ W ------|

Arrays of spectra are (L, F) here, one spectrum a row: a row is one transform.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from export.audio.arrays import Floats
from export.bundle.format import Manifest


@dataclass(frozen=True)
class DecodedSpectra:
    """The decoder's output (L, F) (``model.vocoder``): natural logarithm of the magnitude, advance
    of the phase beyond the bin's own frequency in radians, and that advance's standard deviation.
    """

    log_magnitude: Floats
    advance: Floats
    spread: Floats


@dataclass(frozen=True)
class Grid:
    """Where spectra stand: W and hop in samples, F bins, r spectra a frame."""

    window: int
    hop: int
    bins: int
    per_frame: int

    @classmethod
    def of(cls, manifest: Manifest) -> Grid:
        """The grid of a bundle whose decoder gives spectra."""
        return cls(
            manifest.window_samples,
            manifest.spectrum_hop_samples,
            manifest.spectrum_bins,
            manifest.spectra_per_frame,
        )

    @property
    def hann(self) -> Floats:
        """Periodic Hann window (W,)."""
        turns = np.arange(self.window) / self.window
        return (0.5 - 0.5 * np.cos(2 * np.pi * turns)).astype(np.float32)
