"""Where a recording is read: grains that continue one another, at any speed.

At speed 1 each spectrum is read one hop after the previous one, and the recording itself comes out.
At other speeds that place and the playhead's drift apart; when they are too far apart the next
grain is taken near the playhead, at the place around it where the waveform continues the previous
grain best (WSOLA, Verhelst and Roelands 1993)::

    playhead   |....:....:....:....:....|      half speed
    grains     |----|----|                     read on until too far ahead,
                   |----|----|                 then from where it sounds alike

Frozen, the places scatter around the playhead, or one grain repeated would buzz at the hop rate.
Backwards, grains follow one another backwards and each is reversed. A jump goes to the exact place.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from server.engine.deck import Recording
from server.engine.playhead import around_loop
from server.engine.spectra import Grid

TOLERANCE_S = 0.0116
"""How far grains may drift from the playhead."""
REACH_S = 0.0174
"""How far around a place a continuation is looked for: a period of 29 Hz either way. Farther,
frozen sound buzzes less at the hop rate and wavers more."""
SCATTER_S = 0.04
"""How far places scatter around a frozen playhead."""
_LONGEST_STEP_HOPS = 5.0
"""A longer step is a jump: the fastest speed is 4."""
_SLOWEST_STEP_HOPS = 0.01
"""A slower playhead counts as frozen."""


@dataclass(frozen=True)
class Grains:
    """The places (L,) of the next spectra, in samples, and which of them are reversed (L,)."""

    centres: NDArray[np.int64]
    reversed: NDArray[np.bool_]


class GrainReader:
    """Follows a playhead through one recording; one call a block, any number of spectra each."""

    def __init__(self, grid: Grid, sample_rate_hz: int) -> None:
        self._hop = grid.hop
        self._half = grid.window // 2
        self._tolerance = TOLERANCE_S * sample_rate_hz
        self._reach = round(REACH_S * sample_rate_hz)
        self._scatter = SCATTER_S * sample_rate_hz
        self._centre: int | None = None
        self._target = 0.0

    def follow(
        self,
        recording: Recording,
        targets: NDArray[np.float64],
        scatter: NDArray[np.float64],
        jumps: NDArray[np.bool_],
    ) -> Grains:
        """Return the grains nearest to the playhead's ``targets`` (L,), in samples.

        ``scatter`` (L,) are random numbers, -1 to 1, for a frozen playhead; a grain that ``jumps``
        (L,) is taken exactly at its target.
        """
        centres = np.empty(targets.size, np.int64)
        backwards = np.empty(targets.size, np.bool_)
        for n, target in enumerate(targets.tolist()):
            if jumps[n]:
                self._centre = None
            centres[n], backwards[n] = self._next(recording, target, float(scatter[n]))
        return Grains(centres, backwards)

    def _next(self, recording: Recording, target: float, scatter: float) -> tuple[int, bool]:
        length, hop = recording.samples, self._hop
        step = around_loop(target - self._target, length)
        self._target = target
        if self._centre is None or abs(step) > _LONGEST_STEP_HOPS * hop:
            self._centre = round(target) % length
            return self._centre, False
        is_reversed = step < 0
        continued = self._centre + (-hop if is_reversed else hop)
        if abs(step) < _SLOWEST_STEP_HOPS * hop:
            place = self._alike(recording, continued, round(target + scatter * self._scatter))
        elif abs(around_loop(continued - target, length)) <= self._tolerance:
            place = continued
        else:
            place = self._alike(recording, continued, round(target))
        self._centre = place % length
        return self._centre, is_reversed

    def _alike(self, recording: Recording, continued: int, target: int) -> int:
        """The place around ``target`` where the recording is most like around ``continued``."""
        template = self._mono(recording, continued - self._half, 2 * self._half)
        search = self._mono(
            recording, target - self._half - self._reach, 2 * (self._half + self._reach)
        )
        size = scipy.fft.next_fast_len(search.size, real=True)
        spectrum = scipy.fft.rfft(search, size) * np.conj(scipy.fft.rfft(template, size))
        likeness = scipy.fft.irfft(spectrum, size)[: 2 * self._reach + 1]
        energy = np.cumsum(np.concatenate([[0.0], np.square(search, dtype=np.float64)]))
        window_energy = energy[template.size :][: likeness.size] - energy[: likeness.size]
        best = int(np.argmax(likeness / np.sqrt(window_energy + 1.0)))
        return target - self._reach + best

    def _mono(self, recording: Recording, start: int, size: int) -> NDArray[np.float32]:
        samples = recording.pcm[np.arange(start, start + size) % recording.samples]
        mono: NDArray[np.float32] = samples.astype(np.float32) @ np.array(recording.mid, np.float32)
        return mono
