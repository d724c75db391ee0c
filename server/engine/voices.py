"""Layers added in one spectrum.

Their phases have nothing to do with each other, so they are added with equal power. The less they
lean on their recordings, the more they share one phase, and the power is made up bin by bin: at
detail 0 they are one layer again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from export.audio.arrays import Floats
from server.engine import phases
from server.engine.stft import Complexes

LEAST_POWER = 1e-6
"""A smaller share of the power is none."""
_MOST_GAIN = 4.0
"""The most that a bin is raised where layers cancel."""


@dataclass(frozen=True, eq=False)
class LayerVoice:
    """One layer in one spectrum (2, F), with its mid ``phase`` (F,) and how far that leans on a
    recording (``confidence``, 0..1)."""

    amplitude: float
    power: float
    confidence: float
    spectrum: Complexes
    phase: Floats


def of_latents(amplitude: float, log: Floats, free: Floats) -> LayerVoice:
    """The decoder alone: the same on both channels, with phases ``free`` (F,)."""
    mono = np.exp(log + 1j * phases.locked(log, free)).astype(np.complex64)
    return LayerVoice(amplitude, amplitude**2, 0.0, np.stack([mono, mono]), free)


def together(voices: Sequence[LayerVoice]) -> Complexes:
    """The sum (2, F) of layers."""
    total = np.sum([voice.amplitude * voice.spectrum for voice in voices], axis=0)
    leaning = sum(voice.power * voice.confidence for voice in voices)
    if leaning < 1 - LEAST_POWER:
        powers = [np.square(voice.amplitude * np.abs(voice.spectrum)) for voice in voices]
        power = np.sum(powers, axis=0)
        gain = np.minimum(np.sqrt(power) / (np.abs(total) + 1e-9), _MOST_GAIN)
        total = total * gain ** (1 - leaning)
    return np.asarray(total, np.complex64)
