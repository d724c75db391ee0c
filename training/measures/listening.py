"""Figures of what a listener hears, at any sample rate: width, brightness, colour, buzz.

Sounds are (T,) float32 in -1..1, stereo is (2, T). Where two sounds are compared, the true one
comes first; ``mel_distance_db``, ``mean_colour_db`` and ``share_of_way`` do not hear levels.
"""

from __future__ import annotations

import librosa
import numpy as np
import scipy.signal
from numpy.typing import NDArray

from export.audio.arrays import Floats
from training.measures.metrics import spectral_distance

Numbers = NDArray[np.float64]

HIGH_BAND_HZ = 11_000.0
"""Half of the sample rate of bundles before format 2: they have nothing above it."""

MEL_BANDS = 128
MEL_RANGE_DB = 60.0
COLOUR_BANDS = 64
LOUDEST_SHARE, LOUD_RANGE_DB = 0.2, 20.0
"""As in a deck's mean spectrum: frames within 20 dB of the loudest fifth count."""

BUZZ_HARMONICS = 3
BUZZ_NEAR_HZ, BUZZ_BESIDE_HZ, BUZZ_AROUND_HZ = 0.6, 1.5, 15.0
BUZZ_EDGE_S = 0.1

SILENT_DB = -100.0


def power_db(samples: Floats) -> float:
    """Mean power in dB of full scale, at least -120."""
    return 10 * float(np.log10(np.square(samples, dtype=np.float64).mean() + 1e-12))


def side_db(stereo: Floats) -> float:
    """Level of the difference of the channels of (2, T), in dB of full scale; NaN for mono."""
    level_db = power_db(stereo[0] - stereo[1])
    return level_db if level_db > SILENT_DB else float("nan")


def power_above_db(samples: Floats, sample_rate_hz: int, lowest_hz: float) -> float:
    """Mean power of the bins above ``lowest_hz``, in dB; NaN without any."""
    spectra = np.abs(librosa.stft(samples, n_fft=2048))
    is_high = librosa.fft_frequencies(sr=sample_rate_hz, n_fft=2048) > lowest_hz
    if not is_high.any():
        return float("nan")
    return 10 * float(np.log10(np.square(spectra[is_high]).mean() + 1e-12))


def high_band_distance(truth: Floats, other: Floats, sample_rate_hz: int) -> float:
    """Spectral distance (eps 1e-3) of what is above ``HIGH_BAND_HZ``; NaN without such a band."""
    if sample_rate_hz < 2.1 * HIGH_BAND_HZ:
        return float("nan")
    sections = scipy.signal.butter(8, HIGH_BAND_HZ, "highpass", fs=sample_rate_hz, output="sos")
    high = [scipy.signal.sosfiltfilt(sections, one).astype(np.float32) for one in (truth, other)]
    return spectral_distance(high[0], high[1], 1e-3)


def mel_distance_db(truth: Floats, other: Floats, sample_rate_hz: int) -> float:
    """Mean difference of 128 mel bands in dB, at equal levels, with a floor 60 dB down."""
    first, second = (_mel_db(samples, sample_rate_hz) for samples in (truth, other))
    return float(np.abs(first - second).mean())


def mean_colour_db(samples: Floats, sample_rate_hz: int) -> Numbers:
    """Mean spectrum of the louder frames in mel bands (64,), in dB around its own mean."""
    power = _mel_power(samples, sample_rate_hz, COLOUR_BANDS)
    total = power.sum(axis=0)
    threshold = np.quantile(total, 1 - LOUDEST_SHARE) * 10 ** (-LOUD_RANGE_DB / 10)
    mean_db = librosa.power_to_db(power[:, total >= threshold] + 1e-9).mean(axis=1)
    return np.asarray(mean_db - mean_db.mean(), np.float64)


def share_of_way(start: Numbers, end: Numbers, reached: Numbers) -> float:
    """How far along the line from ``start`` to ``end`` the point lies: 0..1, NaN without a way."""
    way = end - start
    length = float(way @ way)
    return float((reached - start) @ way) / length if length > 0 else float("nan")


def buzz_db(samples: Floats, sample_rate_hz: int, rate_hz: float) -> float:
    """How much the envelope pulses at ``rate_hz``: the strongest of three harmonics of it over
    their surroundings, in dB; NaN where the sound is shorter than the edges that are left out.

    The envelope is the magnitude of the analytic signal. Noise has some 10 dB, since a peak is
    compared with a median.
    """
    edge = round(BUZZ_EDGE_S * sample_rate_hz)
    inner = samples[edge:-edge]
    if inner.size < edge:
        return float("nan")
    envelope = np.abs(scipy.signal.hilbert(inner))
    pulse = envelope / max(float(envelope.mean()), 1e-9) - 1
    power = np.square(np.abs(np.fft.rfft(pulse * np.hanning(pulse.size))))
    hz = np.fft.rfftfreq(pulse.size, 1 / sample_rate_hz)
    harmonics = rate_hz * np.arange(1, BUZZ_HARMONICS + 1)
    return max(_peak_db(power, np.abs(hz - harmonic)) for harmonic in harmonics)


def _peak_db(power: Numbers, apart_hz: Numbers) -> float:
    peak = power[apart_hz < BUZZ_NEAR_HZ].max(initial=0)
    beside = power[(apart_hz > BUZZ_BESIDE_HZ) & (apart_hz < BUZZ_AROUND_HZ)]
    median = float(np.median(beside)) if beside.size else 0.0
    return 10 * float(np.log10((peak + 1e-12) / (median + 1e-12)))


def _mel_db(samples: Floats, sample_rate_hz: int) -> Floats:
    level_db = librosa.power_to_db(_mel_power(samples, sample_rate_hz, MEL_BANDS) + 1e-9)
    return np.asarray(np.maximum(level_db, level_db.max() - MEL_RANGE_DB), np.float32)


def _mel_power(samples: Floats, sample_rate_hz: int, bands: int) -> Floats:
    """Power in mel bands (bands, N), of the sound at a root mean square of 0.1."""
    root_mean_square = float(np.sqrt(np.square(samples, dtype=np.float64).mean()))
    power = librosa.feature.melspectrogram(
        y=samples * np.float32(0.1 / (root_mean_square + 1e-9)),
        sr=sample_rate_hz,
        n_fft=2048,
        hop_length=512,
        n_mels=bands,
    )
    return np.asarray(power, np.float32)
