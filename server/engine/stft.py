"""Short-time spectra of a recording at any place, and spectra back to sound.

    recording  ...|------ W ------|...   -> spectrum, centred: a pulse in the middle has phase zero
    spectra    |---- window ----|
                    |---- window ----|   -> overlap-added
    leaves     |hop |hop |

Analysis and synthesis use the same Hann window, whose squares overlap to a constant: an unchanged
spectrum gives the recording itself.
"""

from __future__ import annotations

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from export.audio.arrays import Floats
from export.audio.stereo import FULL_SCALE
from server.engine.deck import Recording
from server.engine.spectra import Grid

Complexes = NDArray[np.complex64]


class SpectrumReader:
    """Spectra of recordings."""

    def __init__(self, grid: Grid) -> None:
        self._half = grid.window // 2
        self._window = (grid.hann / FULL_SCALE)[:, None]
        self._signs = _signs(grid.bins)

    def spectra(self, recording: Recording, centres: NDArray[np.int64]) -> Complexes:
        """Return the spectra (L, 2, F) of both channels around ``centres`` (L,), in samples."""
        frames = [self._frame(recording.pcm, int(centre) - self._half) for centre in centres]
        spectra: Complexes = scipy.fft.rfft(np.stack(frames), axis=2)
        return spectra * self._signs

    def _frame(self, pcm: NDArray[np.int16], start: int) -> Floats:
        """One windowed frame (2, W), wrapped around the loop."""
        length, size = len(pcm), len(self._window)
        start %= length
        if start + size <= length:
            samples = pcm[start : start + size]
        else:
            samples = pcm[np.arange(start, start + size) % length]
        return np.ascontiguousarray((samples * self._window).T)


class OverlapAdd:
    """Overlap-adds spectra to sound."""

    def __init__(self, grid: Grid) -> None:
        self._hop = grid.hop
        hann = grid.hann
        self._window = hann * np.float32(grid.hop / np.square(hann, dtype=np.float64).sum())
        self._signs = _signs(grid.bins)
        self._tail = np.zeros((2, grid.window), np.float32)

    def reset(self) -> None:
        """Forget what earlier spectra still add to."""
        self._tail[:] = 0

    def sound(self, spectra: Complexes) -> Floats:
        """Return the next samples (2, L*hop) of spectra (L, 2, F)."""
        frames = scipy.fft.irfft(spectra * self._signs, len(self._window), axis=2) * self._window
        hop, tail = self._hop, self._tail
        sound: Floats = np.empty((2, len(frames) * hop), np.float32)
        for n, frame in enumerate(frames):
            tail += frame
            sound[:, n * hop : (n + 1) * hop] = tail[:, :hop]
            tail[:, :-hop] = tail[:, hop:]
            tail[:, -hop:] = 0
        return sound


def _signs(bins: int) -> Floats:
    """(-1)^k (F,): moves the time of phase zero from a window's start to its middle."""
    return np.where(np.arange(bins) % 2, -1, 1).astype(np.float32)
