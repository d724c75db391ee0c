"""One deck as a layer of the sound: its part in a block, and its stream from block to block."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from export.audio.arrays import Floats
from server.engine import phases
from server.engine.deck import DeckData
from server.engine.generator import LARGEST_STEP_FRAMES
from server.engine.grains import GrainReader
from server.engine.magnitudes import (
    MOST_LEFT_OUT,
    change_ignored,
    level_made_up,
    log_magnitudes,
    with_detail,
)
from server.engine.playhead import around_loop
from server.engine.spectra import Grid
from server.engine.stft import Complexes, SpectrumReader

_LEVEL_S = 0.1
"""Time in which the level is made up."""
_LEVEL_ROUNDING = 1e-4


@dataclass(frozen=True, eq=False)
class Layer:
    """A deck's part in N frames: its shares of ``structure`` and ``style`` (N,), the ``frames``
    (N,) at which it is read, its ``detail`` 0..1 (N,), how much the decoder's change ``counts``
    (N,), and the frames that begin at another place, ``jumps`` (N,).
    """

    deck: DeckData
    structure: Floats
    style: Floats
    frames: NDArray[np.float64]
    detail: Floats
    counts: Floats
    jumps: NDArray[np.bool_]

    @property
    def is_audible(self) -> bool:
        """True if any of it sounds."""
        return bool(self.structure.any())


@dataclass(frozen=True, eq=False)
class LayerReading:
    """A layer's recording at L places: its spectra and their log magnitudes ``true`` (L, 2, F), the
    decoder's own ``reference`` (L, F) of it, None while the deck is not encoded, ``detail`` and
    ``confidence`` (L,), and the log magnitudes with detail (L, 2, F).
    """

    layer: Layer
    stream: LayerStream
    recorded: Complexes
    true: Floats
    reference: Floats | None
    detail: Floats
    confidence: Floats
    log: Floats

    @cached_property
    def power(self) -> Floats:
        """Power (L,) of the deck by itself, the mean of both channels."""
        recorded = np.exp(2 * self.true).sum(axis=(1, 2)) / 2
        assert self.reference is not None
        latents = np.exp(2 * self.reference).sum(axis=1)
        return np.asarray(latents + (recorded - latents) * self.confidence, np.float32)

    @property
    def change(self) -> Floats:
        """How far the decoder has changed what is heard (L, F), in nepers."""
        assert self.reference is not None
        left_out = np.clip(self.true - self.reference[:, None], -MOST_LEFT_OUT, MOST_LEFT_OUT)
        unchanged = self.reference + self.detail[:, None] * left_out.mean(axis=1)
        return np.asarray(self.log.mean(axis=1) - unchanged, np.float32)


class LayerStream:
    """Reads one deck's recording, and keeps its place, phase and level."""

    def __init__(self, grid: Grid, sample_rate_hz: int, deck: DeckData) -> None:
        assert deck.recording is not None
        self.phase: Floats | None = None
        """Mid phase (F,) of the spectrum that sounded last; None before the first."""
        self._deck = deck
        self._recording = deck.recording
        self._grid = grid
        self._hop = grid.hop * grid.per_frame
        self._grains = GrainReader(grid, sample_rate_hz)
        self._analysis = SpectrumReader(grid)
        self._last_frame: float | None = None
        self._step = 1.0
        self._mid = np.array(deck.recording.mid, np.float32)
        self._level = 0.0
        self._level_step = float(1 - np.exp(-grid.hop / (_LEVEL_S * sample_rate_hz)))

    def read(self, layer: Layer, scatter: NDArray[np.float64], now: Floats) -> LayerReading:
        """Read the recording at the layer's places, in L spectra of which the decoder says ``now``
        (L, F)."""
        grid = self._grid
        targets = self._targets(layer.frames, layer.jumps)
        grains = self._grains.follow(self._recording, targets, scatter, self._first_of(layer.jumps))
        recorded = self._analysis.spectra(self._recording, grains.centres)
        if grains.reversed.any():
            recorded = np.where(grains.reversed[:, None, None], recorded.conj(), recorded)
        table, reference = self._deck.reference, None
        if table is not None:
            reference = _rows(table, (grains.centres / grid.hop - 0.5) % len(table))
        true, detail = log_magnitudes(recorded), np.repeat(layer.detail, grid.per_frame)
        confidence = phases.confidence(detail)
        log = true
        if reference is not None:
            counts = np.repeat(layer.counts, grid.per_frame)
            now = change_ignored(now, reference, confidence * (1 - counts))
            log = self._magnitudes(now, reference, true, detail)
        return LayerReading(layer, self, recorded, true, reference, detail, confidence, log)

    def _magnitudes(self, now: Floats, reference: Floats, true: Floats, detail: Floats) -> Floats:
        log = with_detail(now, reference, true, detail)
        if self._level or (now != reference).any():
            wanted = level_made_up(log, true, now, reference) * detail
            log = log + self._levels(wanted)[:, None, None]
        return log

    def true_phase(self, recorded: Complexes) -> Floats:
        """Phase (F,) of the middle of one spectrum (2, F)."""
        phase: Floats = np.angle(self._mid @ recorded)
        return phase

    def _first_of(self, frames: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """The first spectra (L,) of the marked frames (N,)."""
        first = np.arange(self._grid.per_frame) == 0
        return np.outer(frames, first).ravel()

    def _targets(
        self, frames: NDArray[np.float64], jumps: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        """The playhead's places (L,) in samples: a frame's middle, and around it as fast as it
        moves."""
        grid, loop_frames = self._grid, self._recording.samples / self._hop
        within = (np.arange(grid.per_frame) + 0.5) / grid.per_frame - 0.5
        targets = np.empty((frames.size, grid.per_frame))
        for n, frame in enumerate(frames.tolist()):
            if self._last_frame is not None and not jumps[n]:
                step = around_loop(frame - self._last_frame, loop_frames)
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
