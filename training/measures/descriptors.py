"""Descriptors: seven numbers for the words a listener has for a sound, none based on notes.

Each is a mean over frames weighted by their level, so rests do not count, and only ``loudness``
depends on the level itself. Frequencies and levels are in octaves, semitones and decibels, so that
equal steps sound equal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import librosa
import numpy as np
from numpy.typing import NDArray

from export.audio.arrays import Floats
from training.measures.metrics import onset_times

Numbers = NDArray[np.float64]

WINDOW_SAMPLES = 2048
HOP_SAMPLES = 512
LOWEST_HZ = 30.0

NOISE_BANDS_HZ = tuple(250.0 * 2 ** (half / 2) for half in range(11))
"""Half octaves from 250 Hz to 8 kHz: lower ones have too few bins to tell noise from tone."""

PITCHES_HZ = (60.0, 1500.0)
HARMONIC_WEIGHTS = (1.0, 0.6, 0.36, 0.22, 0.13)
"""Weights of harmonics 1 to 5 in the salience of their fundamental: 0.6 ** (order - 1)."""

ATTACK_S = 0.02
STEEPEST_SHARE = 0.05
FLOOR_DB = 60.0


class Analysis:
    """A sound and the spectra that several descriptors share, computed once."""

    def __init__(self, samples: Floats, sample_rate_hz: int) -> None:
        self.samples = samples
        self.sample_rate_hz = sample_rate_hz
        self.frequencies_hz = librosa.fft_frequencies(sr=sample_rate_hz, n_fft=WINDOW_SAMPLES)

    @cached_property
    def magnitudes(self) -> NDArray[np.float32]:
        """Short-time spectrum (F, N), its loudest bin 1, with a floor 80 dB below."""
        spectra = librosa.stft(self.samples, n_fft=WINDOW_SAMPLES, hop_length=HOP_SAMPLES)
        found = np.abs(spectra)
        return np.asarray(np.maximum(found / max(float(found.max()), 1e-9), 1e-4), np.float32)

    @cached_property
    def weights(self) -> Numbers:
        """Share of each frame in the sound's level, (N,); the sum is 1."""
        level = np.sqrt(np.square(self.magnitudes, dtype=np.float64).sum(axis=0))
        return np.asarray(level / level.sum())

    def mean(self, per_frame: NDArray[np.floating]) -> float:
        """Mean over frames (N,), weighted by their level."""
        return float((per_frame * self.weights).sum())


def brightness(sound: Analysis) -> float:
    """Spectral centroid in octaves above 1 Hz (``librosa.feature.spectral_centroid``)."""
    centroid_hz = librosa.feature.spectral_centroid(S=sound.magnitudes, freq=sound.frequencies_hz)
    return float(np.log2(sound.mean(centroid_hz[0])))


def loudness(sound: Analysis) -> float:
    """Root mean square of the whole sound in dB of full scale."""
    power = float(np.square(sound.samples, dtype=np.float64).mean())
    return 10 * float(np.log10(power + 1e-10))


def noisiness(sound: Analysis) -> float:
    """Spectral flatness within half octaves, 0 (tones) to 1 (noise).

    In bands, as in MPEG-7's AudioSpectrumFlatness (ISO/IEC 15938-4): over the whole spectrum at
    once, flatness mostly measures how dark a sound is.
    """
    hz = sound.frequencies_hz
    bands = [
        (hz >= low) & (hz < high)
        for low, high in pairwise(NOISE_BANDS_HZ)
        if high <= sound.sample_rate_hz / 2
    ]
    flatness = [librosa.feature.spectral_flatness(S=sound.magnitudes[band])[0] for band in bands]
    return sound.mean(np.mean(flatness, axis=0))


def bandwidth(sound: Analysis) -> float:
    """Spread of the spectrum around its centre, in octaves (``spectral_bandwidth``, log2 Hz)."""
    audible = sound.frequencies_hz >= LOWEST_HZ
    octaves = np.log2(sound.frequencies_hz[audible])
    spread = librosa.feature.spectral_bandwidth(S=sound.magnitudes[audible], freq=octaves)
    return sound.mean(spread[0])


def attack(sound: Analysis) -> float:
    """Steepness of the level's rises: dB in 20 ms, mean of the steepest 5 %."""
    hop = max(round(sound.sample_rate_hz * ATTACK_S / 4), 1)
    level = librosa.feature.rms(y=sound.samples, frame_length=4 * hop, hop_length=hop)[0]
    floor = max(float(level.max()) * 10 ** (-FLOOR_DB / 20), 1e-9)
    level_db = 20 * np.log10(np.maximum(level, floor))
    rise_db = np.sort(level_db[4:] - level_db[:-4])
    return float(rise_db[-max(round(STEEPEST_SHARE * rise_db.size), 1) :].mean())


def pitch_height(sound: Analysis) -> float:
    """Strongest fundamental by the energy of its harmonics, MIDI note (``librosa.salience``)."""
    hz = sound.frequencies_hz
    salience = librosa.salience(
        sound.magnitudes,
        freqs=hz,
        harmonics=range(1, len(HARMONIC_WEIGHTS) + 1),
        weights=HARMONIC_WEIGHTS,
        fill_value=0.0,
    )
    candidates = (hz >= PITCHES_HZ[0]) & (hz <= PITCHES_HZ[1])
    strongest_hz = hz[candidates][np.argmax(salience[candidates], axis=0)]
    return sound.mean(librosa.hz_to_midi(strongest_hz))


def density(sound: Analysis) -> float:
    """Onsets per second, found as in ``metrics.onset_f1``."""
    seconds = sound.samples.size / sound.sample_rate_hz
    return len(onset_times(sound.samples, sound.sample_rate_hz)) / seconds


@dataclass(frozen=True)
class Descriptor:
    """A row of the table: ``name`` is the slug that a knob may get; larger is more of it."""

    name: str
    unit: str
    meaning: str
    measure: Callable[[Analysis], float]


DESCRIPTORS = (
    Descriptor("brightness", "octaves", "spectral centroid", brightness),
    Descriptor("loudness", "dB", "root mean square", loudness),
    Descriptor("noisiness", "0..1", "spectral flatness in half octaves", noisiness),
    Descriptor("bandwidth", "octaves", "spread of the spectrum around its centre", bandwidth),
    Descriptor("attack", "dB in 20 ms", "steepest rises of the level", attack),
    Descriptor("pitch", "semitones", "strongest fundamental", pitch_height),
    Descriptor("density", "1/s", "onsets", density),
)


def describe(samples: Floats, sample_rate_hz: int) -> Numbers:
    """All ``DESCRIPTORS`` of a sound (T,), (Q,)."""
    sound = Analysis(samples, sample_rate_hz)
    return np.array([one.measure(sound) for one in DESCRIPTORS])
