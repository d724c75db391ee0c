"""Distances between two sounds, each a plain function.

Every function takes the true sound first and the other second, both (T,) float32 in -1..1, at the
same rate and aligned to the sample. Levels are not matched: a model that is too loud is wrong.
"""

from __future__ import annotations

import librosa
import mir_eval.onset
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from export.audio.arrays import Floats
from model.features import LogMelImage

STFT_WINDOWS = (2048, 1024, 512, 256, 128)
"""Samples; the five scales of RAVE's multi-scale STFT, each with a hop of a quarter."""

ONSET_TOLERANCE_S = 0.05
"""Tolerance of MIREX and ``mir_eval`` for the same onset."""


def spectral_distance(truth: Floats, other: Floats, eps: float) -> float:
    """RAVE's multi-scale spectral distance, averaged over its scales; 0 (equal) and up, no unit.

    With X and Y the STFT magnitudes (Hann window, hop a quarter, centred, not normalised)::

        mean over scales of   mean((X - Y)^2) / mean(X^2)  +  mean |ln(X + eps) - ln(Y + eps)|

    With RAVE's eps = 1e-7, the empty highs of lossy sources dominate; 1e-3 ignores the inaudible.

    Source: acids-ircam/RAVE, ``rave/core.py``, ``AudioDistanceV1`` and ``mean_difference`` (whose
    "relative L2" is of squares, without a root), summed there over the scales.
    """
    return float(np.mean([_one_scale(truth, other, size, eps) for size in STFT_WINDOWS]))


def log_mel_l1(truth: Floats, other: Floats, features: LogMelImage) -> float:
    """Mean absolute difference of the model's own log-mel images; 0 and up.

    Unit: that of the image, where 2 spans ``floor_db`` (so 0.1 is 4 dB at a floor of -80 dB).
    """
    images = features(torch.from_numpy(np.stack([truth, other])))
    return float((images[0] - images[1]).abs().mean())


def mfcc_distance(truth: Floats, other: Floats, sample_rate_hz: int) -> float:
    """Difference in timbre: Euclidean distance of MFCCs 1..19, mean over frames; 0 and up, dB.

    Coefficient 0, the level, is left out. Source: ``librosa.feature.mfcc`` (orthonormal DCT of 128
    mel bands in dB, floor 80 dB below each recording's peak).
    """
    first, second = (
        librosa.feature.mfcc(y=samples, sr=sample_rate_hz, n_mfcc=20)[1:]
        for samples in (truth, other)
    )
    return float(np.linalg.norm(first - second, axis=0).mean())


def chroma_correlation(truth: Floats, other: Floats, sample_rate_hz: int) -> float:
    """Agreement of the pitch classes over time: Pearson's r, -1..1, 1 is the same.

    Over all entries of two chromagrams (12, N) tuned to 440 Hz (``librosa.feature.chroma_stft``,
    4096-sample windows). NaN if one of them never changes, as in silence.
    """
    first, second = (_chroma(samples, sample_rate_hz) for samples in (truth, other))
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return float("nan")
    return float(np.corrcoef(first.ravel(), second.ravel())[0, 1])


def onset_f1(truth: Floats, other: Floats, sample_rate_hz: int) -> float:
    """Agreement of the onsets: F-measure, 0..1, of onsets within 50 ms.

    Onsets by ``librosa.onset.onset_detect``, a frame every 11.6 ms; optimal matching by
    ``mir_eval.onset.f_measure``. NaN if the true sound has no onset.
    """
    true, found = (onset_times(samples, sample_rate_hz) for samples in (truth, other))
    if not true.size:
        return float("nan")
    if not found.size:
        return 0.0
    return float(mir_eval.onset.f_measure(true, found, window=ONSET_TOLERANCE_S)[0])


def level_db(truth: Floats, other: Floats) -> float:
    """Level relative to the true sound: ratio of root mean squares in dB, 0 is right."""
    first, second = (float(np.square(x, dtype=np.float64).mean()) for x in (truth, other))
    return 10 * float(np.log10(max(second, 1e-12) / max(first, 1e-12)))


def onset_times(samples: Floats, sample_rate_hz: int) -> NDArray[np.float64]:
    """Onsets in seconds, ascending."""
    hop_samples = round(sample_rate_hz * 512 / 44100)  # librosa's default is for 44.1 kHz
    times: NDArray[np.float64] = librosa.onset.onset_detect(
        y=samples, sr=sample_rate_hz, hop_length=hop_samples, units="time"
    )
    return times


def _one_scale(truth: Floats, other: Floats, window_samples: int, eps: float) -> float:
    x, y = (_magnitudes(samples, window_samples) for samples in (truth, other))
    linear = (x - y).square().mean() / x.square().mean().clamp(min=1e-12)
    logarithmic = (torch.log(x + eps) - torch.log(y + eps)).abs().mean()
    return float(linear + logarithmic)


def _magnitudes(samples: Floats, window_samples: int) -> Tensor:
    return torch.stft(
        torch.from_numpy(samples).double(),
        window_samples,
        window_samples // 4,
        window=torch.hann_window(window_samples, dtype=torch.float64),
        return_complex=True,
    ).abs()


def _chroma(samples: Floats, sample_rate_hz: int) -> NDArray[np.float32]:
    chroma: NDArray[np.float32] = librosa.feature.chroma_stft(
        y=samples, sr=sample_rate_hz, n_fft=4096, hop_length=1024, tuning=0.0
    )
    return chroma


def timbre_distance(first: Floats, second: Floats, sample_rate_hz: int) -> float:
    """Difference of mean timbres, for sounds with different notes; 0 and up, dB.

    Euclidean distance of the time means of MFCCs 1..19, as in ``mfcc_distance``.
    """
    means = [mean_timbre(samples, sample_rate_hz) for samples in (first, second)]
    return float(np.linalg.norm(means[0] - means[1]))


def mean_timbre(samples: Floats, sample_rate_hz: int) -> NDArray[np.float64]:
    """Time means of MFCCs 1..19, (19,) in dB, as in ``mfcc_distance``."""
    mfcc = librosa.feature.mfcc(y=samples, sr=sample_rate_hz, n_mfcc=20)[1:]
    return np.asarray(mfcc.mean(axis=1), np.float64)


def onset_correlation(truth: Floats, other: Floats, sample_rate_hz: int) -> float:
    """Agreement of the rhythm: Pearson's r of the onset envelopes, -1..1 (``onset_strength``)."""
    first, second = (_onset_envelope(samples, sample_rate_hz) for samples in (truth, other))
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return float("nan")
    return float(np.corrcoef(first, second)[0, 1])


def tempo_bpm(samples: Floats, sample_rate_hz: int) -> float:
    """Tempo from the autocorrelation of the onset envelope (``librosa.feature.tempo``)."""
    hop_samples = round(sample_rate_hz * 512 / 44100)
    envelope = _onset_envelope(samples, sample_rate_hz)
    found = librosa.feature.tempo(
        onset_envelope=envelope, sr=sample_rate_hz, hop_length=hop_samples
    )
    return float(found[0])


def pitch_profile(samples: Floats, sample_rate_hz: int) -> NDArray[np.float64]:
    """Strength of the pitch classes, (12,): the chromagram's mean over time."""
    return np.asarray(_chroma(samples, sample_rate_hz).mean(axis=1), np.float64)


def at_level_of(truth: Floats, other: Floats) -> Floats:
    """The other sound scaled to the true one's root mean square."""
    gain_db = -level_db(truth, other)
    return np.asarray(other * 10 ** (gain_db / 20), np.float32)


def _onset_envelope(samples: Floats, sample_rate_hz: int) -> NDArray[np.float32]:
    hop_samples = round(sample_rate_hz * 512 / 44100)
    envelope: NDArray[np.float32] = librosa.onset.onset_strength(
        y=samples, sr=sample_rate_hz, hop_length=hop_samples
    )
    return envelope
