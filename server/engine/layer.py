"""One deck as a layer of the sound: its part in a block, and its stream from block to block."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from export.audio.arrays import Floats
from server.engine import phases
from server.engine.deck import DeckData
from server.engine.generator import LARGEST_STEP_FRAMES
from server.engine.grains import GrainReader
from server.engine.magnitudes import (
    LayerMagnitudes,
    level_made_up,
    log_magnitudes,
    with_detail,
)
from server.engine.spectra import Grid
from server.engine.stft import Analysis, Complexes

_LEVEL_S = 0.1
"""Time in which the level is made up."""
_LEVEL_ROUNDING = 1e-4


@dataclass(frozen=True, eq=False)
class Layer:
    """A deck's part in N frames: its shares of ``structure`` and ``style`` (N,), the ``frames``
    (N,) at which it is read, its ``detail`` 0..1 (N,), and how much the decoder's change ``counts``
    (N,).
    """

    deck: DeckData
    structure: Floats
    style: Floats
    frames: NDArray[np.float64]
    detail: Floats
    counts: Floats

    @property
    def is_audible(self) -> bool:
        """True if any of it sounds."""
        return bool(self.structure.any())


class LayerStream:
    """Reads one deck's recording and keeps its phases."""

    def __init__(self, grid: Grid, sample_rate_hz: int, deck: DeckData) -> None:
        assert deck.recording is not None
        self.deck = deck
        self.phase: Floats | None = None
        """Mid phase (F,) of the spectrum that sounded last; None before the first."""
        self._grid = grid
        self._recording = deck.recording
        self._grains = GrainReader(grid, sample_rate_hz)
        self._analysis = Analysis(grid)
        self._hop = grid.hop * grid.per_frame
        self._last_frame: float | None = None
        self._step = 1.0
        self._mid = np.array(deck.recording.mid, np.float32)
        self._level = 0.0
        self._level_step = float(1 - np.exp(-grid.hop / (_LEVEL_S * sample_rate_hz)))

    def read(self, layer: Layer, scatter: NDArray[np.float64]) -> tuple[Complexes, Floats | None]:
        """Return the recording's spectra (L, 2, F) at the layer's places, and the decoder's
        reference (L, F) there; None where the deck is not encoded yet."""
        grid, length = self._grid, self._recording.samples
        grains = self._grains.follow(self._recording, self._targets(layer.frames), scatter)
        recorded = self._analysis.spectra(self._recording, grains.centres)
        if grains.reversed.any():
            recorded = np.where(grains.reversed[:, None, None], recorded.conj(), recorded)
        reference = self.deck.reference
        if reference is None:
            return recorded, None
        return recorded, _rows(reference, (grains.centres / grid.hop - 0.5) % (length / grid.hop))

    def magnitudes(
        self, recorded: Complexes, now: Floats, reference: Floats | None, layer: Layer
    ) -> LayerMagnitudes:
        """Return the magnitudes of L spectra where the decoder says ``now`` (L, F)."""
        true = log_magnitudes(recorded)
        if reference is None:
            return LayerMagnitudes(true, true, now)
        detail, counts = (
            np.repeat(row, self._grid.per_frame) for row in (layer.detail, layer.counts)
        )
        confidence = phases.confidence(detail)
        found = with_detail(now, reference, true, detail, confidence, counts)
        if self._level or (found.mid != reference).any():
            levels = self._levels(level_made_up(found, reference) * detail)
            found = LayerMagnitudes(found.log + levels[:, None, None], true, found.mid)
        return found

    def true_phase(self, recorded: Complexes) -> Floats:
        """Phase (F,) of the middle of one spectrum (2, F)."""
        return np.angle(self._mid @ recorded)

    def _targets(self, frames: NDArray[np.float64]) -> NDArray[np.float64]:
        """The playhead's places (L,) in samples: a frame's middle, and around it as fast as it
        moves."""
        grid, loop_frames = self._grid, self._recording.samples / self._hop
        within = (np.arange(grid.per_frame) + 0.5) / grid.per_frame - 0.5
        targets = np.empty((frames.size, grid.per_frame))
        for n, frame in enumerate(frames.tolist()):
            if self._last_frame is not None:
                distance = frame - self._last_frame
                step = distance - loop_frames * round(distance / loop_frames)
                self._step = step if abs(step) <= LARGEST_STEP_FRAMES else self._step
            self._last_frame = frame
            targets[n] = frame + 0.5 + within * self._step
        return targets.ravel() * self._hop

    def _levels(self, wanted: Floats) -> Floats:
        levels = np.empty_like(wanted)
        for n, one in enumerate(wanted.tolist()):
            self._level += (one - self._level) * self._level_step
            levels[n] = self._level
        if abs(self._level) < _LEVEL_ROUNDING:
            self._level = 0.0
        return levels


def _rows(table: NDArray[np.float16], places: NDArray[np.float64]) -> Floats:
    """Rows (L, F) at fractional places (L,), linear between neighbours; the first follows the
    last."""
    below = np.floor(places)
    left = below.astype(np.int64) % len(table)
    weight = (places - below).astype(np.float32)[:, None]
    rows = table[left].astype(np.float32)
    if weight.any():
        rows += (table[(left + 1) % len(table)] - rows) * weight
    return rows
