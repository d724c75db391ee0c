"""Integrated loudness (ITU-R BS.1770-4) of a recording of any length, by pyloudnorm.

The library needs 40 bytes a sample, so long recordings are measured piece by piece, and the two
gates over all blocks are computed here.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from export.audio.arrays import Floats

BLOCK_S = 0.4
"""A gating block: the shortest sound that has a loudness."""

_PIECE_S, _SETTLING_S = 300.0, 3.0


def integrated_lufs(samples: Floats, sample_rate_hz: int) -> float:
    """LUFS of (T,) samples, at least a block; not finite if all blocks are below -70 LUFS."""
    import pyloudnorm

    meter = pyloudnorm.Meter(sample_rate_hz, block_size=BLOCK_S)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # silence: the mean over no blocks above the gate
        if samples.size <= _PIECE_S * sample_rate_hz:
            return float(meter.integrated_loudness(samples.astype(np.float64)))
        return _gated(_block_lufs(meter, samples, sample_rate_hz))


def _block_lufs(meter: Any, samples: Floats, sample_rate_hz: int) -> NDArray[np.float64]:
    """LUFS of every gating block.

    A piece begins early enough for the filter to settle before its first block.
    """
    piece, lead = round(_PIECE_S * sample_rate_hz), round(_SETTLING_S * sample_rate_hz)
    step_s = meter.block_size * (1 - meter.overlap)
    # Blocks that begin in a piece end in the next one.
    tail = round((meter.block_size - step_s) * sample_rate_hz)
    blocks_lufs = []
    for start in range(0, samples.size - tail, piece):
        lead_in = min(start, lead)
        measured = samples[start - lead_in : start + piece + tail]
        meter.integrated_loudness(measured.astype(np.float64))
        blocks_lufs += meter.blockwise_loudness[round(lead_in / sample_rate_hz / step_s) :]
    return np.array(blocks_lufs)


def _gated(blocks_lufs: NDArray[np.float64]) -> float:
    """Integrated loudness (ITU-R BS.1770-4, equations 5 to 7); -inf for silence."""
    loud = blocks_lufs[blocks_lufs >= -70.0]
    if not loud.size:
        return -np.inf
    relative_lufs = _mean_lufs(loud) - 10.0
    return _mean_lufs(loud[loud > relative_lufs])


def _mean_lufs(blocks_lufs: NDArray[np.float64]) -> float:
    return float(10 * np.log10(np.mean(10 ** (blocks_lufs / 10))))
