"""Magnitudes of a deck with detail: the decoder's now, and what it left out of the recording.

    left out = true - reference        per bin, in nepers (natural logarithm of magnitude)
    change   = now - reference         what knobs, other decks and time have done
    sounds   = now + detail x left out

Peaks of what was left out are trusted less, the further the decoder has moved: its change and the
recording's peaks then belong to different music. Where nothing is moved the change counts for
nothing, so that a deck at rest is its recording to the bit: the decoder's memory after a jump, and
the reference's rounding, are not heard.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from export.audio.arrays import Floats
from server.engine.stft import Complexes

FLOOR = 1e-5
"""Magnitudes below count as this much: far below the last bit of a 16-bit recording."""
MOST_LEFT_OUT = 8.0
"""In nepers."""
TRUST_SPREAD = 1.0
"""Change in nepers at which the left-out peaks are trusted 1/e as much."""
_SMOOTHED_BINS = 29
"""Width of a running mean; two of them are nearly a Gaussian of 12 bins."""
_MOST_MADE_UP = 0.7
"""In nepers (6 dB)."""
_UNMOVED = 0.05
"""A distance of the latents, in spreads, at which the change counts by 1 - 1/e."""


def change_share(moved: Floats) -> Floats:
    """How much the decoder's change counts, 0..1, where its latents are ``moved`` in spreads."""
    return np.asarray(1 - np.exp(-moved / _UNMOVED), np.float32)


@dataclass(frozen=True)
class LayerMagnitudes:
    """Log magnitudes (L, 2, F) of both channels with detail, those of the recording, and ``mid``
    (L, F): what the decoder says now, for the middle."""

    log: Floats
    true: Floats
    mid: Floats


def log_magnitudes(spectra: Complexes) -> Floats:
    """Natural logarithm of magnitudes, at least that of ``FLOOR``."""
    power = np.square(spectra.real) + np.square(spectra.imag)
    return 0.5 * np.log(power + np.float32(FLOOR**2))


def with_detail(
    now: Floats,
    reference: Floats,
    true: Floats,
    detail: Floats,
    confidence: Floats,
    counts: Floats,
) -> LayerMagnitudes:
    """Return magnitudes with ``detail`` (L,) of what was left out.

    ``now`` and ``reference`` are (L, F), ``true`` (L, 2, F); ``counts`` (L,) is how much the change
    counts where the recording leads (``confidence`` (L,) 1).
    """
    change = now - reference
    ignored = confidence * (1 - counts)
    if ignored.any():
        change = change * (1 - ignored)[:, None]
        now = reference + change
    left_out = np.clip(true - reference[:, None], -MOST_LEFT_OUT, MOST_LEFT_OUT)
    if change.any():
        trust = np.exp(np.abs(smoothed(change)) / -TRUST_SPREAD)[:, None]
        left_out = np.minimum(left_out, 0) + trust * np.maximum(left_out, 0)
    log = now[:, None] + detail[:, None, None] * left_out
    return LayerMagnitudes(log, true, now)


def level_made_up(magnitudes: LayerMagnitudes, reference: Floats) -> Floats:
    """Gain (L,) in nepers that restores the level the change alone would leave."""
    wanted = _power(magnitudes.true) + _power(magnitudes.mid) - _power(reference)
    gain = 0.5 * (wanted - _power(magnitudes.log))
    return np.clip(gain, -_MOST_MADE_UP, _MOST_MADE_UP)


def smoothed(rows: Floats) -> Floats:
    """Rows (L, F) smoothed over about 12 bins, ends repeated."""
    return _running_mean(_running_mean(rows))


def _running_mean(rows: Floats) -> Floats:
    half = _SMOOTHED_BINS // 2
    padded = np.pad(rows, ((0, 0), (half + 1, half)), mode="edge")
    sums = np.cumsum(padded, axis=1, dtype=np.float64)
    mean = (sums[:, _SMOOTHED_BINS:] - sums[:, :-_SMOOTHED_BINS]) / _SMOOTHED_BINS
    return mean.astype(np.float32)


def _power(log: Floats) -> Floats:
    """Logarithm of the mean power (L,) over all but the first axis."""
    axes = tuple(range(1, log.ndim))
    return np.log(np.exp(2 * log).mean(axis=axes) + 1e-12)
