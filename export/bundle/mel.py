"""Slaney's mel scale (Auditory Toolbox, 1998): linear to 1 kHz, logarithmic above."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_HZ_PER_MEL, _LOG_FROM_HZ, _LOG_STEP = 200 / 3, 1000.0, np.log(6.4) / 27
_LOG_FROM_MELS = _LOG_FROM_HZ / _HZ_PER_MEL


def to_mels(hz: NDArray[np.floating]) -> NDArray[np.float64]:
    """Frequencies in mels, as ``librosa.hz_to_mel`` and ``torchaudio`` (Slaney) have them."""
    above = np.log(np.maximum(hz, _LOG_FROM_HZ) / _LOG_FROM_HZ) / _LOG_STEP
    return np.minimum(hz, _LOG_FROM_HZ) / _HZ_PER_MEL + above


def to_hz(mels: NDArray[np.floating]) -> NDArray[np.float64]:
    """Inverse of ``to_mels``."""
    above = np.exp(_LOG_STEP * np.maximum(mels - _LOG_FROM_MELS, 0))
    return np.minimum(mels, _LOG_FROM_MELS) * _HZ_PER_MEL * above
