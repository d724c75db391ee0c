"""Stereo sound at the model's rate, as it is read: resampled piece by piece, in a temporary file.

blocks at any rates -> soxr (HQ), anew where the rate changes -> float32 (T, 2) on disk
                                          '-> sums of squares and products -> which mono
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from export.audio.arrays import Floats
from export.audio.scratch import ScratchArray

Mid = tuple[float, float]
"""Shares of left and right in the mono sound that a model hears."""

Watch = Callable[[Floats], None]
"""Sees each block (T, 2) as it is read, at the model's rate; may raise to stop reading."""

CANCELLING = -0.5
"""Below this correlation of its channels a recording's mean is mostly what is left of it."""

FULL_SCALE = 32767

_BLOCK_SAMPLES = 1 << 18


@dataclass(frozen=True, eq=False)
class Stereo:
    """Sound (T, 2) at one rate, ``peak`` its largest sample, and what its mono is made of."""

    samples: Floats
    mid: Mid
    peak: float

    def mono(self, gain: float = 1.0) -> Floats:
        """The mono sound (T,) times ``gain``, within +-1 if the gain leaves it there.

        Raises:
            AudioError: there is no room for it on the disk.
        """
        shares = np.array(self.mid, np.float32) * np.float32(gain)
        mono = ScratchArray(np.float32)
        for block in self._blocks():
            mono.add(block @ shares)
        return mono.finished()

    def pcm(self, gain: float, path: Path | None = None) -> NDArray[np.int16]:
        """The sound (T, 2) times ``gain`` in 16 bits, in the file ``path`` if it is given.

        Raises:
            AudioError: there is no room for it on the disk.
        """
        pcm = ScratchArray(np.int16, (2,), path)
        for block in self._blocks():
            pcm.add(to_pcm(block, gain))
        return pcm.finished()

    def _blocks(self) -> Iterator[Floats]:
        for start in range(0, len(self.samples), _BLOCK_SAMPLES):
            yield self.samples[start : start + _BLOCK_SAMPLES]


def to_pcm(samples: Floats, gain: float) -> NDArray[np.int16]:
    """Samples times ``gain`` in 16 bits, clipped."""
    scaled = np.clip(samples * np.float32(gain), -1.0, 1.0)
    return np.round(scaled * np.float32(FULL_SCALE)).astype(np.int16)


class StereoStream:
    """Takes blocks (T, 2) of any rate; ``watch`` sees each block after resampling.

    Raises:
        AudioError: there is no room for it on the disk.
    """

    def __init__(self, sample_rate_hz: int, watch: Watch | None = None) -> None:
        self.seconds = 0.0
        self.is_finite = True
        self._sample_rate_hz = sample_rate_hz
        self._watch = watch
        self._rate_hz = 0
        self._resampler: Any = None
        self._sound = ScratchArray(np.float32, (2,))
        self._products = np.zeros((2, 2))
        self._peak = 0.0

    def add(self, samples: Floats, rate_hz: int) -> None:
        """Add the next samples (T, 2) at ``rate_hz``."""
        if rate_hz != self._rate_hz:
            self._finish_piece()
            self._begin_piece(rate_hz)
        self.seconds += len(samples) / rate_hz
        self.is_finite = self.is_finite and bool(np.isfinite(samples).all())
        if self.is_finite:
            self._append(self._resampled(samples))

    def end(self) -> Stereo:
        """All sound that was added."""
        self._finish_piece()
        return Stereo(self._sound.finished(), _mid(self._products), self._peak)

    def close(self) -> None:
        """Give it up; without effect after ``end``."""
        self._sound.close()

    def _begin_piece(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._resampler = None
        if rate_hz != self._sample_rate_hz:
            import soxr

            self._resampler = soxr.ResampleStream(
                rate_hz, self._sample_rate_hz, 2, dtype="float32", quality="HQ"
            )

    def _finish_piece(self) -> None:
        if self._resampler is not None and self.is_finite:
            self._append(self._resampled(np.zeros((0, 2), np.float32), last=True))

    def _resampled(self, samples: Floats, last: bool = False) -> Floats:
        if self._resampler is None:
            return samples
        contiguous = np.ascontiguousarray(samples, np.float32)
        return np.asarray(self._resampler.resample_chunk(contiguous, last=last), np.float32)

    def _append(self, samples: Floats) -> None:
        if not len(samples):
            return
        # In single precision pairs of samples could not tell a loud hour from silence.
        doubles = samples.astype(np.float64)
        self._products += doubles.T @ doubles
        self._peak = max(self._peak, float(samples.max()), -float(samples.min()))
        self._sound.add(samples)
        if self._watch is not None:
            self._watch(samples)


def _mid(products: NDArray[np.float64]) -> Mid:
    """The mean, or the louder channel where the channels all but cancel.

    ``products`` (2, 2) are the sums over time of each channel times each.
    """
    (left, both), (_, right) = products
    if both >= CANCELLING * np.sqrt(left * right):
        return 0.5, 0.5
    return (1.0, 0.0) if left >= right else (0.0, 1.0)
