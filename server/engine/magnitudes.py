"""Magnitudes of a deck with detail: the decoder's now, and what it left out of the recording.

    left out = true - reference        per bin, in nepers (natural logarithm of magnitude)
    change   = now - reference         what knobs, other decks and time have done
    sounds   = now + detail x left out

Peaks of what was left out are trusted less, the further the decoder has moved: its change and the
recording's peaks then belong to different music. Valleys are filled where it raises: noise that it
adds is heard.

Where nothing is moved the change counts for nothing, so that a deck at rest is its recording: the
decoder's memory after a jump, and the reference's rounding, are not heard.
"""

from __future__ import annotations

import numpy as np

from export.audio.arrays import Floats
from server.engine.stft import Complexes

FLOOR = 1e-5
"""Magnitudes below count as this much: far below the last bit of a 16-bit recording."""
MOST_LEFT_OUT = 8.0
"""In nepers."""
TRUST_SPREAD = 1.0
"""Change in nepers at which the left-out peaks are trusted 1/e as much."""
RAISED_SPREAD = 0.4
"""Rise in nepers at which a left-out valley is kept 1/e as deep: it fills."""
_SMOOTHED_BINS = 29
"""Width of a running mean; two of them are nearly a Gaussian of 12 bins."""
_MOST_MADE_UP = 0.7
"""In nepers (6 dB)."""
_UNMOVED = 0.05
"""A distance of the latents, in spreads, at which the change counts by 1 - 1/e."""


def change_share(moved: Floats) -> Floats:
    """How much the decoder's change counts, 0..1, where its latents are ``moved`` in spreads."""
    return np.asarray(1 - np.exp(-moved / _UNMOVED), np.float32)


def log_magnitudes(spectra: Complexes) -> Floats:
    """Natural logarithm of magnitudes, at least that of ``FLOOR``."""
    power = np.square(spectra.real) + np.square(spectra.imag)
    return np.asarray(0.5 * np.log(power + np.float32(FLOOR**2)), np.float32)


def change_ignored(now: Floats, reference: Floats, ignored: Floats) -> Floats:
    """The decoder's log magnitudes (L, F) when its change is ``ignored`` (L,) 0..1."""
    return now + (reference - now) * ignored[:, None] if ignored.any() else now


def with_detail(now: Floats, reference: Floats, true: Floats, detail: Floats) -> Floats:
    """Return magnitudes (L, 2, F) with ``detail`` (L,) of what was left out.

    ``now`` and ``reference`` are (L, F), ``true`` (L, 2, F).
    """
    left_out = true - reference[:, None]
    change = now - reference
    if change.any():
        smooth = smoothed(change)[:, None]
        trust = np.exp(np.abs(smooth) / -TRUST_SPREAD)
        kept = np.exp(np.maximum(smooth, 0) / -RAISED_SPREAD)
        most = MOST_LEFT_OUT / np.maximum(1 - trust, 1e-6)
        left_out = np.clip(
            kept * np.minimum(left_out, 0) + trust * np.maximum(left_out, 0), -most, most
        )
    return np.asarray(now[:, None] + detail[:, None, None] * left_out, np.float32)


def level_made_up(log: Floats, true: Floats, now: Floats, reference: Floats) -> Floats:
    """Gain (L,) in nepers that gives ``log`` (L, 2, F) the level of the recording's ``true`` ones
    (L, 2, F), changed as the decoder changes its own from ``reference`` to ``now`` (L, F)."""
    wanted = _power(true) + _power(now) - _power(reference)
    gain = np.clip(0.5 * (wanted - _power(log)), -_MOST_MADE_UP, _MOST_MADE_UP)
    return np.asarray(gain, np.float32)


def smoothed(rows: Floats) -> Floats:
    """Rows (L, F) smoothed over about 12 bins, ends repeated."""
    return _running_mean(_running_mean(rows))


def _running_mean(rows: Floats) -> Floats:
    half = _SMOOTHED_BINS // 2
    padded = np.pad(rows, ((0, 0), (half + 1, half)), mode="edge")
    sums = np.cumsum(padded, axis=1, dtype=np.float64)
    mean = (sums[:, _SMOOTHED_BINS:] - sums[:, :-_SMOOTHED_BINS]) / _SMOOTHED_BINS
    return np.asarray(mean, np.float32)


def _power(log: Floats) -> Floats:
    """Logarithm of the mean power (L,) over all but the first axis."""
    axes = tuple(range(1, log.ndim))
    return np.asarray(np.log(np.exp(2 * log).mean(axis=axes) + 1e-12), np.float32)
