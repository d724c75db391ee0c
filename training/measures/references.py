"""What the model's sound stands beside: an old recipe on true mels, and noise of the right colour.

Neither has learned anything. Griffin-Lim shows what the mels themselves still know; noise with the
clip's mean spectrum what one gets for knowing no more than an average.
"""

from __future__ import annotations

import librosa
import numpy as np
from numpy.typing import NDArray

from model.config import FeatureConfig
from model.features import LogMelImage

Floats = NDArray[np.float32]

ITERATIONS = 60
"""Of Griffin and Lim's."""

UPDATES = 200
"""Of bins from mels; the error no longer moves."""

TINY = 1e-12

FLOOR = 1e-5
"""Added to magnitudes before their logarithm: 100 dB below a full-scale sine."""

LARGEST_BOOST = 10.0
LIFTER = 30
"""Samples of quefrency that an envelope keeps: resonances, no harmonics."""


class GriffinLim:
    """Phases found by iteration (Griffin and Lim 1984; fast, Perraudin et al. 2013).

    Of the image's three resolutions the one with ``window_samples`` is used; mel bands go back to
    bins by non-negative least squares on the model's own filters (``mel_to_bins``).
    """

    def __init__(self, config: FeatureConfig, window_samples: int | None = None) -> None:
        self.config = config
        self.window_samples = window_samples or sorted(config.window_samples)[1]
        self.scale = config.window_samples.index(self.window_samples)
        buffers = dict(LogMelImage(config).scales[self.scale].named_buffers())
        self.filters: Floats = np.asarray(buffers["filters"].T.numpy())
        self.window_gain = float(buffers["window"].max())

    def __call__(self, image: Floats, seed: int) -> Floats:
        """Image (3, M, N + 2), one frame more on each side, to samples (N x hop,)."""
        level_db = (1 - image[self.scale]) * self.config.floor_db / 2
        mel = 10 ** (level_db / 20) / self.window_gain
        magnitudes = mel_to_bins(self.filters, mel.astype(np.float32))
        hop = self.config.hop_samples
        audio = librosa.griffinlim(
            magnitudes,
            n_iter=ITERATIONS,
            hop_length=hop,
            n_fft=self.window_samples,
            random_state=seed,
        )
        # librosa begins in the middle of its first frame, half a hop before the second begins.
        samples = (image.shape[2] - 2) * hop
        return np.asarray(audio[hop // 2 : hop // 2 + samples], np.float32)


def mel_to_bins(filters: Floats, mel: Floats) -> Floats:
    """Bins X >= 0 (F, N) with ``filters`` (M, F) @ X close to ``mel`` (M, N).

    Least squares by multiplicative updates (Lee and Seung 2001), from what the filters spread:
    ``librosa.util.nnls`` does the same with SciPy's L-BFGS-B, which crashes the interpreter on
    images of this size (SciPy 1.17).
    """
    spread = filters.T @ mel
    gram = filters.T @ filters
    bins = spread / np.maximum(gram.sum(axis=1, keepdims=True), TINY)
    for _ in range(UPDATES):
        bins *= spread / np.maximum(filters.T @ (filters @ bins), TINY)
    return np.asarray(bins, np.float32)


def coloured_noise(truth: Floats, seed: int, window_samples: int = 2048) -> Floats:
    """Gaussian noise with the clip's mean power spectrum, (T,) -> (T,)."""
    noise = np.random.default_rng(seed).standard_normal(truth.size).astype(np.float32)
    spectra = librosa.stft(noise, n_fft=window_samples)
    wanted = librosa.stft(truth, n_fft=window_samples)
    gain = _root_mean_square(wanted) / np.maximum(_root_mean_square(spectra), TINY)
    coloured = librosa.istft(spectra * gain, n_fft=window_samples, length=truth.size)
    return np.asarray(coloured, np.float32)


def _root_mean_square(spectra: NDArray[np.complex64]) -> Floats:
    """(F, N) -> (F, 1)."""
    return np.asarray(np.sqrt(np.square(np.abs(spectra)).mean(axis=1, keepdims=True)))


def cross_synthesis(carrier: Floats, modulator: Floats, window_samples: int = 2048) -> Floats:
    """A's notes through B's average resonance, the classic way: (T,), (T,) -> (T,).

    Each of A's short-time spectra is divided by its own envelope and multiplied with the mean
    envelope of B; every frame keeps A's level. Envelopes are cepstrally smoothed. Source: Zoelzer
    (ed.), DAFX, second edition, 2011, 8.3.1 "vocoding or cross-synthesis".
    """
    spectra = librosa.stft(carrier, n_fft=window_samples)
    magnitudes = np.abs(spectra) + FLOOR
    theirs = np.abs(librosa.stft(modulator, n_fft=window_samples)) + FLOOR
    mean_power = np.square(theirs).mean(axis=1, keepdims=True)
    wanted = _envelope(np.sqrt(mean_power)) * (magnitudes / _envelope(magnitudes))
    gain = _root_mean_square(magnitudes.T).T / np.maximum(_root_mean_square(wanted.T).T, TINY)
    made = wanted * gain * (spectra / magnitudes)
    return np.asarray(librosa.istft(made, n_fft=window_samples, length=carrier.size), np.float32)


def matched_equaliser(source: Floats, model: Floats, window_samples: int = 2048) -> Floats:
    """A with B's mean spectrum, bin by bin, 20 dB of boost at most: (T,), (T,) -> (T,)."""
    spectra = librosa.stft(source, n_fft=window_samples)
    wanted = _root_mean_square(librosa.stft(model, n_fft=window_samples))
    gain = np.minimum(wanted / np.maximum(_root_mean_square(spectra), FLOOR), LARGEST_BOOST)
    made = librosa.istft(spectra * gain, n_fft=window_samples, length=source.size)
    return np.asarray(made, np.float32)


def _envelope(magnitudes: Floats) -> Floats:
    """Cepstral smoothing over frequency, (F, N) -> (F, N): quefrencies below ``LIFTER`` stay."""
    cepstrum = np.fft.irfft(np.log(magnitudes), axis=0)
    cepstrum[LIFTER : len(cepstrum) - LIFTER + 1] = 0
    return np.asarray(np.exp(np.fft.rfft(cepstrum, axis=0).real), np.float32)
