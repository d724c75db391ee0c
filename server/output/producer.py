"""The engine's thread: keeps the ring of a lane filled, a few blocks ahead of the device.

engine.render -> lane (resampler, ring) -> output
                  |
                  '-> hear (a recorder, a test)
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from typing import Protocol

import numpy as np

from server.engine.denormals import flush_denormals
from server.engine.timing import Timings
from server.output.choice import CardChoice
from server.output.file import Renders
from server.output.output_path import OutputFormat, OutputPath
from server.output.protocol import Output
from server.system.arrays import Floats
from server.system.log_limit import LimitedLog
from server.system.priority import raise_own_priority

logger = logging.getLogger(__name__)

Hear = Callable[[Floats, OutputPath], None]
"""Given all that the main pair of a lane is given, (T, C); it does not change any more."""

RING_MARGIN_S = 0.034
"""What the ring holds while a block is decoded. With 23 ms sound broke off now and then on a busy
virtual machine, whose host holds a processor up for up to 30 ms; real ones are calmer."""

_PAUSES_A_BLOCK = 8
_SHORTEST_PAUSE_S = 0.0005


class RendersCue(Protocol):
    """What gives the sound of the second pair of channels."""

    def render(self, frames: int) -> Floats | None:
        """The next ``frames`` frames, (C, frames*hop); None while it is off."""


class Producer:
    """Renders in its own thread from ``start`` to ``stop``."""

    def __init__(
        self,
        engine: Renders,
        block_frames: int,
        ring_blocks: int | None = None,
        hear: Hear = lambda samples, lane: None,
        on_block: Callable[[float], None] = lambda behind_s: None,
        on_death: Callable[[], None] = lambda: None,
        cue: RendersCue | None = None,
    ) -> None:
        """``on_block`` is told before each block in how many seconds it will leave the device,
        ``on_death`` that the thread ends by an error of ours.
        """
        manifest = engine.manifest
        self.block_frames = block_frames
        self.block_samples = block_frames * manifest.hop_samples
        self.block_s = self.block_samples / manifest.sample_rate_hz
        self.ring_blocks = ring_blocks or 1 + math.ceil(RING_MARGIN_S / self.block_s)
        self.timings = Timings()
        self.late_blocks = 0
        self.turns = 0
        """How often its thread has come round: while it is not stuck, many times a second."""
        self._engine = engine
        self._log = LimitedLog(logger)
        self._hear = hear
        self._on_block = on_block
        self._on_death = on_death
        self._cue = cue
        self._lane: OutputPath | None = None
        self._next_lane: OutputPath | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    def start(self, lane: OutputPath, timeout_s: float = 30.0) -> None:
        """Begin to render into ``lane`` and return when its ring is full.

        Raises:
            RuntimeError: it did not fill in time.
        """
        self._lane = lane
        self._thread.start()
        _wait_until_filled(lane, timeout_s)

    def lane(self, output: Output, card: CardChoice | None = None) -> OutputPath:
        """The way from this to an output."""
        card = card or CardChoice()
        manifest = self._engine.manifest
        form = OutputFormat(
            model_rate_hz=manifest.sample_rate_hz,
            model_channels=manifest.channels,
            block_samples=self.block_samples,
            ring_blocks=self.ring_blocks,
            main=card.main,
            cue=card.cue,
        )
        return OutputPath(output, form)

    def switch(self, lane: OutputPath, timeout_s: float = 30.0) -> None:
        """Fade from the present lane to another; return when its ring is full.

        Raises:
            RuntimeError: it did not fill in time.
        """
        self._next_lane = lane
        _wait_until_filled(lane, timeout_s)

    def stop(self) -> None:
        """End the thread; may be called twice."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        try:
            self._play()
        except Exception:
            logger.exception("the engine's thread died")
            self._on_death()

    def _play(self) -> None:
        logger.debug("engine thread: %s priority", raise_own_priority())
        flush_denormals()
        pause_s = max(self.block_s / _PAUSES_A_BLOCK, _SHORTEST_PAUSE_S)
        assert self._lane is not None  # ``start`` sets it
        lane = self._lane
        while not self._stopping.is_set():
            self.turns += 1
            if self._next_lane is not None:
                self._produce(lane, self._next_lane)
                lane, self._next_lane = self._next_lane, None
            elif lane.has_room:
                self._produce(lane)
            else:
                lane.filled.set()
                time.sleep(pause_s)

    def _produce(self, lane: OutputPath, following: OutputPath | None = None) -> None:
        """Render a block; where a lane is ``following``, it is faded out and that one in."""
        self._on_block(lane.waiting_s + lane.delay_s)
        started_s = time.perf_counter()
        cue = self._render_cue()
        audio = self._render()
        elapsed_s = time.perf_counter() - started_s
        self.timings.add(elapsed_s)
        self.late_blocks += elapsed_s > self.block_s
        if following is None:
            self._hear(lane.write(audio, cue), lane)
        else:
            self._hear(lane.write_last(audio, cue), lane)
            self._hear(following.write_first(audio, cue), following)

    def _render(self) -> Floats:
        """A block; silence where the engine has a fault, for a dead thread would be worse."""
        try:
            return self._engine.render(self.block_frames)
        except Exception as error:
            self._log.warning(f"the engine failed on a block, which is silent ({error!r})")
            return np.zeros((self._engine.manifest.channels, self.block_samples), np.float32)

    def _render_cue(self) -> Floats | None:
        """What the cue pair gets of a block; it must not hold up the main sound."""
        try:
            return self._cue.render(self.block_frames) if self._cue else None
        except Exception as error:
            self._log.warning(f"the cue failed on a block, which is silent ({error!r})")
            return None


def _wait_until_filled(lane: OutputPath, timeout_s: float) -> None:
    if not lane.filled.wait(timeout_s):
        raise RuntimeError(f"the engine filled no ring within {timeout_s:g} s")
