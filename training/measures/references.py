"""Reference methods without learning, for comparison with the model's sound.

Griffin-Lim on true mels shows how much the mels preserve; noise with the clip's mean spectrum shows
what an average alone achieves. Cross-synthesis and a matched equaliser
are rivals of style transfer.
"""

from __future__ import annotations

import librosa
import numpy as np
from numpy.typing import NDArray

from export.audio.arrays import Floats
from model.config import FeatureConfig
from model.features import LogMelImage

ITERATIONS = 60
"""Iterations of Griffin-Lim."""

UPDATES = 200
"""Multiplicative updates from mels to bins; more do not reduce the error."""

TINY = 1e-12

FLOOR = 1e-5
"""Added to magnitudes before their logarithm: 100 dB below a full-scale sine."""

LARGEST_BOOST = 10.0
LIFTER = 30
"""Quefrency in samples up to which an envelope is kept: resonances, no harmonics."""


class GriffinLim:
    """Sound from mels, with phases found by iteration (Griffin-Lim 1984; Perraudin et al. 2013).

    Uses the image's resolution with ``window_samples``, the middle one by default; mel bands become
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
        """Image (3, M, N + 2), with one extra frame on each side, to samples (N x hop,)."""
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
        # librosa centres the first, extra frame on sample 0, so the clip begins half a hop later.
        samples = (image.shape[2] - 2) * hop
        return np.asarray(audio[hop // 2 : hop // 2 + samples], np.float32)


def mel_to_bins(filters: Floats, mel: Floats) -> Floats:
    """Bins X >= 0 (F, N) with ``filters`` (M, F) @ X close to ``mel`` (M, N).

    Least squares by multiplicative updates (Lee and Seung 2001), starting from the transposed
    filters. ``librosa.util.nnls`` does the same with SciPy's L-BFGS-B, which crashes the
    interpreter on images of this size (SciPy 1.17).
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
    """Root mean square over time, (F, N) -> (F, 1)."""
    return np.asarray(np.sqrt(np.square(np.abs(spectra)).mean(axis=1, keepdims=True)))


def cross_synthesis(carrier: Floats, modulator: Floats, window_samples: int = 2048) -> Floats:
    """A's notes (carrier) with B's average resonance (modulator): (T,), (T,) -> (T,).

    Each short-time spectrum of A is divided by its own envelope and multiplied by the mean
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
    """The source with the model's mean spectrum, boosted by 20 dB at most: (T,), (T,) -> (T,)."""
    spectra = librosa.stft(source, n_fft=window_samples)
    wanted = _root_mean_square(librosa.stft(model, n_fft=window_samples))
    gain = np.minimum(wanted / np.maximum(_root_mean_square(spectra), FLOOR), LARGEST_BOOST)
    made = librosa.istft(spectra * gain, n_fft=window_samples, length=source.size)
    return np.asarray(made, np.float32)


def _envelope(magnitudes: Floats) -> Floats:
    """Cepstral smoothing over frequency, (F, N) -> (F, N): keeps quefrencies below ``LIFTER``."""
    cepstrum = np.fft.irfft(np.log(magnitudes), axis=0)
    cepstrum[LIFTER : len(cepstrum) - LIFTER + 1] = 0
    return np.asarray(np.exp(np.fft.rfft(cepstrum, axis=0).real), np.float32)
