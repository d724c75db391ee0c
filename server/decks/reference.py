"""The reference of a deck: what the decoder says of it by itself, to which detail is added.

style mean, structure as at speed 1 --> decoder, 64 frames a call --> log magnitudes (L,F)
last two seconds of the loop first: the states are as in the middle of endless looping
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from export.audio.arrays import Floats
from export.audio.errors import AudioError
from export.audio.scratch import ScratchArray
from export.bundle.format import Manifest
from server.engine.deck import DeckData
from server.engine.playhead import DeckReading, read_loop, ticks_at
from server.engine.runtime import RuntimeOptions, open_model

BLOCK_FRAMES = 64
SETTLE_S = 2.0
"""The decoder's memory: after so long it no longer knows how it began."""

_FLOAT16 = np.finfo(np.float16)


class ReferenceDecoder:
    """Runs a bundle's decoder over whole decks, one after the other.

    Raises:
        RuntimeUnavailable: the decoder does not load.
    """

    def __init__(self, manifest: Manifest, decoder_onnx: bytes) -> None:
        self._manifest = manifest
        self._session = open_model(decoder_onnx, RuntimeOptions("cpu", threads=1))

    def log_magnitudes(
        self,
        deck: DeckData,
        path: Path | None = None,
        progress: Callable[[float], None] = lambda share: None,
    ) -> NDArray[np.float16]:
        """The decoder's log magnitudes (L,F) of a deck at rest, in the file ``path`` if given.

        L is the number of spectra in the loop: ticks x frames_per_tick x spectra_per_frame.

        Raises:
            AudioError: the decoder's output is not finite, or there is no room on the disk.
        """
        spectra = ScratchArray(np.float16, (self._manifest.spectrum_bins,), path)
        frames = deck.ticks * self._manifest.frames_per_tick
        with closing(spectra):
            for first, block in self._blocks(deck, frames):
                if not np.isfinite(block).all():
                    raise AudioError("corrupt", f"{deck.name}: the decoder gave NaN or infinity")
                if first >= 0:
                    spectra.add(np.clip(block, _FLOAT16.min, _FLOAT16.max))
                    progress(min((first + BLOCK_FRAMES) / frames, 1.0))
            return spectra.finished()

    def _blocks(self, deck: DeckData, frames: int) -> Iterator[tuple[int, Floats]]:
        """Yield blocks (l,F), each with its first frame, from ``SETTLE_S`` before the start on."""
        states = {spec.name: np.zeros(spec.shape, np.float32) for spec in self._manifest.states}
        names = ["log_magnitude", *(f"next_{name}" for name in states)]
        settle_blocks = int(np.ceil(SETTLE_S / self._manifest.frame_s / BLOCK_FRAMES))
        for first in range(-settle_blocks * BLOCK_FRAMES, frames, BLOCK_FRAMES):
            last = min(first + BLOCK_FRAMES, frames) if first >= 0 else first + BLOCK_FRAMES
            inputs = self._latents(deck, np.arange(first, last, dtype=np.float64))
            found, *next_states = self._session.run(names, {**inputs, **states})
            states = dict(zip(states, next_states, strict=True))
            yield first, found[0].T

    def _latents(self, deck: DeckData, frames: NDArray[np.float64]) -> dict[str, Floats]:
        structure = read_loop(deck.structure, _Places(frames, self._manifest.frames_per_tick))
        style = np.repeat(deck.style_mean[:, None], frames.size, axis=1)
        return {
            "style": np.ascontiguousarray(style[None], np.float32),
            "structure": np.ascontiguousarray(structure[None], np.float32),
        }


@dataclass(frozen=True, eq=False)
class _Places:
    """Frames (N,) of a deck itself, as at speed 1 from its start: a ``TimePositions``."""

    frames: NDArray[np.float64]
    frames_per_tick: int

    @property
    def size(self) -> int:
        return int(self.frames.size)

    def on(self, deck_ticks: int, beats: object = None) -> DeckReading:
        return DeckReading(ticks_at(self.frames, self.frames_per_tick))
