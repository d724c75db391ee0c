"""Endless structure: ticks drawn by the prior, beside those of the decks' loops.

The prior receives what is playing. At ``/generate`` 0 that is the decks, so that it is always ready
to continue from the last ticks played; at 1 it is its own output; in between it improvises along
with the decks. Its clock follows the playhead: no faster in a jump, stopped in a freeze, and always
forward.

::

    clock     k-1 . . . . k . . . . k+1          one tick further when the clock passes one
    plays      drawn[k-1] -> drawn[k]            linear between the last two, as decks are read
    receives   (1 - generate) * decks + generate * drawn, at every tick
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from export.audio.arrays import Floats
from export.bundle.format import Manifest
from server.engine.model_fault import ModelFault, run_model
from server.engine.playhead import ticks_at
from server.engine.structure_prior import SamplingNoise, StructurePrior
from server.system.log_limit import LimitedLog

logger = logging.getLogger(__name__)

PRIMING_TICKS = 64
"""Ticks of the decks before the present one that a prior without memory receives first."""

LARGEST_STEP_FRAMES = 16.0
"""A playhead that moves further in one frame has jumped: speed 4 an octave down moves 8, and
sometimes has to catch up.
"""

ReadDecks = Callable[[int, NDArray[np.float64]], Floats]
"""Structure (S,M) of the decks, mixed as at the block's nth frame, at fractional ticks (M,)."""


@dataclass(frozen=True)
class FrameInput:
    """One frame: style (D,), the controls, and the decks as they are mixed now."""

    style: Floats
    generate: float
    temperature: float
    decks: Callable[[NDArray[np.float64]], Floats]


class Generator:
    """Draws structure, frame by frame; the same seed and calls give the same bits."""

    def __init__(self, prior: StructurePrior, manifest: Manifest, seed: int = 0) -> None:
        self.failed_ticks = 0
        self._prior = prior
        self._frames_per_tick = manifest.frames_per_tick
        # A separate generator: drawing structure must not change the decoder's noise.
        self._random = np.random.default_rng((seed, 1))
        self._log = LimitedLog(logger)
        self._clock_ticks = 0.0
        self._last_frame = 0.0
        self._drawn: tuple[Floats, Floats] | None = None

    def follow(
        self,
        position_frames: NDArray[np.float64],
        style: Floats,
        generate: NDArray[np.float64],
        temperature: NDArray[np.float64],
        decks: ReadDecks,
    ) -> Floats:
        """Return drawn structure (S,N) of the frames at ``position_frames`` (N,).

        ``style`` (D,N), ``generate`` (N,) and ``temperature`` (N,) are given at these frames.
        """
        columns = []
        for n, frame in enumerate(position_frames.tolist()):
            read = partial(decks, n)
            frame_input = FrameInput(style[:, n], float(generate[n]), float(temperature[n]), read)
            columns.append(self._frame(frame, frame_input))
        return np.stack(columns, axis=1)

    def reset(self) -> None:
        """Clear the memory; the next frame is primed with the decks again."""
        self._prior.reset()
        self._drawn = None

    def _frame(self, frame: float, frame_input: FrameInput) -> Floats:
        """Structure (S,) of one frame; the clock moves as far as the playhead did."""
        ticks = float(ticks_at(np.array([frame]), self._frames_per_tick)[0])
        if self._drawn is None:
            self._begin(ticks, frame_input)
        else:
            moved = frame - self._last_frame
            if abs(moved) > LARGEST_STEP_FRAMES:
                moved = 1.0
            self._clock_ticks += abs(moved) / self._frames_per_tick
            while self._clock_ticks >= 1:
                self._clock_ticks -= 1
                self._tick(ticks - math.copysign(self._clock_ticks, moved), frame_input)
        self._last_frame = frame
        assert self._drawn is not None
        previous, following = self._drawn
        return previous + (following - previous) * np.float32(self._clock_ticks)

    def _begin(self, ticks: float, frame_input: FrameInput) -> None:
        """Prime the prior with the decks up to the present tick and draw the next."""
        present = math.floor(ticks)
        self._clock_ticks = ticks - present
        played = frame_input.decks(
            np.arange(present - PRIMING_TICKS + 1, present + 1, dtype=np.float64)
        )
        self._drawn = played[:, -1], self._draw(played, frame_input, played[:, -1])

    def _tick(self, deck_ticks: float, frame_input: FrameInput) -> None:
        """Move one tick further; the decks' tick is at ``deck_ticks``."""
        assert self._drawn is not None
        deck = frame_input.decks(np.array([deck_ticks]))[:, 0]
        drawn = self._drawn[1]
        played = deck + (drawn - deck) * np.float32(frame_input.generate)
        self._drawn = drawn, self._draw(played[:, None], frame_input, deck)

    def _draw(self, played: Floats, frame_input: FrameInput, deck: Floats) -> Floats:
        """Draw the tick after ``played`` (S,K); after a fault return ``deck`` and reset."""
        noise = SamplingNoise(
            self._random.standard_normal(deck.size, np.float32), float(self._random.random())
        )
        try:
            style, temperature = frame_input.style, frame_input.temperature
            return run_model(lambda: self._prior.draw_next(played, style, temperature, noise))
        except ModelFault as fault:
            self.failed_ticks += 1
            self._log.warning(
                f"the prior drew no structure ({fault}); playing the decks' structure instead"
            )
            self._prior.reset()
            return deck
