"""Structure that plays on for ever: what the prior draws, beside what the decks' loops say.

The prior hears what is heard. At ``/generate`` 0 that is the decks, so it is always ready to go on
from the last ticks played; at 1 it is what it drew itself; between, it improvises along with the
decks. Time goes as the playhead goes: no faster in a jump, still in a freeze, and always forward.

::

    clock     k-1 . . . . k . . . . k+1          one tick further when the clock passes one
    plays      drawn[k-1] -> drawn[k]            linear between the last two, as decks are read
    hears      (1 - generate) * decks + generate * drawn, at every tick
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from export.bundle.format import Manifest
from server.engine.model_fault import ModelFault, finite
from server.engine.playhead import ticks_at
from server.engine.structure_prior import SamplingNoise, StructurePrior
from server.system.arrays import Floats
from server.system.log_limit import LimitedLog

logger = logging.getLogger(__name__)

PRIMING_TICKS = 64
"""Ticks of the decks before the present one that a prior with no memory hears first."""

LARGEST_STEP_FRAMES = 16.0
"""A playhead that moves further in one frame has jumped: speed 4 an octave down moves 8, and
sometimes has to catch up."""

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
        # Not the engine's own numbers: who plays on must not change the noise of what follows.
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
        """Drawn structure (S,N) of the frames at ``position_frames`` (N,).

        ``style`` (D,N), ``generate`` (N,) and ``temperature`` (N,) as they are at these frames.
        """
        columns = []
        for n, frame in enumerate(position_frames.tolist()):
            read = partial(decks, n)
            moment = FrameInput(style[:, n], float(generate[n]), float(temperature[n]), read)
            columns.append(self._frame(frame, moment))
        return np.stack(columns, axis=1)

    def reset(self) -> None:
        """Forget everything heard; the next frame is primed with the decks anew."""
        self._prior.reset()
        self._drawn = None

    def _frame(self, frame: float, moment: FrameInput) -> Floats:
        """Structure (S,) of one frame; the clock moves as far as the playhead did."""
        ticks = float(ticks_at(np.array([frame]), self._frames_per_tick)[0])
        if self._drawn is None:
            self._begin(ticks, moment)
        else:
            moved = frame - self._last_frame
            if abs(moved) > LARGEST_STEP_FRAMES:
                moved = 1.0
            self._clock_ticks += abs(moved) / self._frames_per_tick
            while self._clock_ticks >= 1:
                self._clock_ticks -= 1
                self._tick(ticks - math.copysign(self._clock_ticks, moved), moment)
        self._last_frame = frame
        assert self._drawn is not None
        before, after = self._drawn
        return before + (after - before) * np.float32(self._clock_ticks)

    def _begin(self, ticks: float, moment: FrameInput) -> None:
        """Hear the decks up to the present tick, all at once, and draw the next."""
        present = math.floor(ticks)
        self._clock_ticks = ticks - present
        heard = moment.decks(np.arange(present - PRIMING_TICKS + 1, present + 1, dtype=np.float64))
        self._drawn = heard[:, -1], self._draw(heard, moment, heard[:, -1])

    def _tick(self, deck_ticks: float, moment: FrameInput) -> None:
        """One tick further; the decks' own is at ``deck_ticks``."""
        assert self._drawn is not None
        deck = moment.decks(np.array([deck_ticks]))[:, 0]
        drawn = self._drawn[1]
        heard = deck + (drawn - deck) * np.float32(moment.generate)
        self._drawn = drawn, self._draw(heard[:, None], moment, deck)

    def _draw(self, heard: Floats, moment: FrameInput, deck: Floats) -> Floats:
        """The tick after ``heard`` (S,K); after a fault ``deck``, and the prior starts anew."""
        dice = SamplingNoise(
            self._random.standard_normal(deck.size, np.float32), float(self._random.random())
        )
        try:
            return finite(lambda: self._prior.hear(heard, moment.style, moment.temperature, dice))
        except ModelFault as fault:
            self.failed_ticks += 1
            self._log.warning(
                f"the prior drew no structure ({fault}); the decks' is played instead"
            )
            self._prior.reset()
            return deck
