"""The mean spectrum of a recording: what its timbre is on average, where it sounds.

spectra l, centred at l hops + 1/2, around the loop -> those within 20 dB of the loudest fifth
                             -> mean of log magnitudes -> smoothed over about six mel bands
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from export.audio.arrays import Floats
from export.audio.stereo import FULL_SCALE
from export.bundle.format import Manifest
from export.bundle.mel import to_mels
from server.engine.deck import Recording
from server.engine.magnitudes import FLOOR

LOUDEST_SHARE, RANGE_DB = 0.2, 20.0
SMOOTHED_BANDS = 6.0
"""The wider, the less of the chords of one deck is left in the other's sound, and the less of its
timbre: at /interp/style 1 0.83 of the way with chroma kept to 0.59, with 12 bands 0.64 and 0.80. On
pairs whose true answer exists, 6 bands are nearer to it (``training/EXPERIMENTS.md``)."""

_BLOCK_SPECTRA = 256


def mean_spectrum(recording: Recording, manifest: Manifest) -> Floats:
    """Mean log magnitude (F,) of the louder spectra of a recording's mid."""
    power = np.concatenate(
        [np.square(block).sum(axis=1) for block in _windowed(recording, manifest)]
    )
    threshold = np.quantile(power, 1 - LOUDEST_SHARE) * 10 ** (-RANGE_DB / 10)
    is_loud = power >= threshold
    total = np.zeros(manifest.spectrum_bins)
    first = 0
    for block in _windowed(recording, manifest):
        loud = block[is_loud[first : first + len(block)]]
        first += len(block)
        magnitudes = np.abs(np.fft.rfft(loud, axis=1))
        total += np.log(np.maximum(magnitudes, FLOOR)).sum(axis=0)
    return _smoothed(total / is_loud.sum(), manifest)


def _windowed(recording: Recording, manifest: Manifest) -> Iterator[NDArray[np.float64]]:
    """Yield windows (l, window) of the mid, times Hann's, in blocks of all L spectra."""
    window, hop = manifest.window_samples, manifest.spectrum_hop_samples
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    shares = np.array(recording.mid) / FULL_SCALE
    spectra = recording.samples // hop
    for first in range(0, spectra, _BLOCK_SPECTRA):
        count = min(_BLOCK_SPECTRA, spectra - first)
        begin = first * hop + hop // 2 - window // 2
        places = np.arange(begin, begin + (count - 1) * hop + window) % recording.samples
        mid = recording.pcm[places] @ shares
        yield np.lib.stride_tricks.sliding_window_view(mid, window)[::hop] * hann


def _smoothed(spectrum: NDArray[np.float64], manifest: Manifest) -> Floats:
    """The mean over ``SMOOTHED_BANDS`` mel bands around each bin (F,)."""
    bins = np.arange(spectrum.size)
    hz_per_bin = manifest.sample_rate_hz / manifest.window_samples
    mels = to_mels(bins * hz_per_bin)
    band = (mels[-1] - to_mels(np.array([manifest.lowest_hz]))[0]) / (manifest.mel_bins + 1)
    half = SMOOTHED_BANDS * band / 2
    begin = np.minimum(np.searchsorted(mels, mels - half, side="left"), bins)
    end = np.maximum(np.searchsorted(mels, mels + half, side="right"), bins + 1)
    sums = np.concatenate([[0.0], np.cumsum(spectrum)])
    return np.asarray((sums[end] - sums[begin]) / (end - begin), np.float32)
