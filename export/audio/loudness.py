"""Integrated loudness (ITU-R BS.1770-4) of a recording of any length, by pyloudnorm.

The library needs 40 bytes a sample, so what is long is measured piece by piece, and only the two
gates over all blocks are our own.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from export.audio.arrays import Floats

BLOCK_S = 0.4
"""A gating block; less cannot be measured."""

_PIECE_S, _SETTLING_S = 300.0, 3.0


def integrated_lufs(samples: Floats, sample_rate_hz: int) -> float:
    """LUFS of (T,) samples, a block at least; not finite where all is below -70 LUFS."""
    import pyloudnorm

    meter = pyloudnorm.Meter(sample_rate_hz, block_size=BLOCK_S)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # means of no block above the gate: that is silence
        if samples.size <= _PIECE_S * sample_rate_hz:
            return float(meter.integrated_loudness(samples.astype(np.float64)))
        return _gated(_block_lufs(meter, samples, sample_rate_hz))


def _block_lufs(meter: Any, samples: Floats, sample_rate_hz: int) -> NDArray[np.float64]:
    """LUFS of every gating block.

    A piece begins so long before its first block that the filter has settled.
    """
    piece, lead = round(_PIECE_S * sample_rate_hz), round(_SETTLING_S * sample_rate_hz)
    step_s = meter.block_size * (1 - meter.overlap)
    # Blocks that begin in a piece end in the next one.
    tail = round((meter.block_size - step_s) * sample_rate_hz)
    found = []
    for start in range(0, samples.size - tail, piece):
        before = min(start, lead)
        meter.integrated_loudness(samples[start - before : start + piece + tail].astype(np.float64))
        found += meter.blockwise_loudness[round(before / sample_rate_hz / step_s) :]
    return np.array(found)


def _gated(blocks_lufs: NDArray[np.float64]) -> float:
    """Integrated loudness (ITU-R BS.1770-4, equations 5 to 7); -inf where all is silent."""
    loud = blocks_lufs[blocks_lufs >= -70.0]
    if not loud.size:
        return -np.inf
    relative_lufs = _mean_lufs(loud) - 10.0
    return _mean_lufs(loud[loud > relative_lufs])


def _mean_lufs(blocks_lufs: NDArray[np.float64]) -> float:
    return float(10 * np.log10(np.mean(10 ** (blocks_lufs / 10))))
