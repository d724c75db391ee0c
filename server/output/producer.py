"""The producer: the engine's thread, which keeps a ring filled a few blocks ahead of the device.

engine.render -> output path (resampler, ring) -> output
                  |
                  '-> on_audio (a recorder, a test)
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from typing import Protocol

import numpy as np

from export.audio.arrays import Floats
from server.engine.denormals import flush_denormals
from server.engine.synthesis import CHANNELS
from server.engine.timing import Timings
from server.output.choice import CardChoice
from server.output.file import Renderer
from server.output.output_path import OutputFormat, OutputPath
from server.output.protocol import Output
from server.system.log_limit import LimitedLog
from server.system.priority import raise_own_priority

logger = logging.getLogger(__name__)

OnAudio = Callable[[Floats, OutputPath], None]
"""Called with every block of the main pair of a path, (T, C), which does not change afterwards."""

RING_MARGIN_S = 0.034
"""The sound in the ring while a block is decoded. With 23 ms sound broke off now and then on a busy
virtual machine, whose host suspends a processor for up to 30 ms; real ones are calmer.
"""

_PAUSES_A_BLOCK = 8
_SHORTEST_PAUSE_S = 0.0005


class CueRenderer(Protocol):
    """A source of sound for the cue pair."""

    def render(self, frames: int) -> Floats | None:
        """Return the next ``frames`` frames, (C, frames*hop); None while it is off."""


class Producer:
    """Renders in its own thread from ``start`` to ``stop``."""

    def __init__(
        self,
        engine: Renderer,
        block_frames: int,
        ring_blocks: int | None = None,
        on_audio: OnAudio = lambda samples, path: None,
        on_block: Callable[[float], None] = lambda delay_s: None,
        on_death: Callable[[], None] = lambda: None,
        cue: CueRenderer | None = None,
    ) -> None:
        """``on_block`` is called before each block with the seconds until it leaves the device.

        ``on_death`` is called when the thread ends by an unexpected error.
        """
        manifest = engine.manifest
        self.block_frames = block_frames
        self.block_samples = block_frames * manifest.hop_samples
        self.block_s = self.block_samples / manifest.sample_rate_hz
        self.ring_blocks = ring_blocks or 1 + math.ceil(RING_MARGIN_S / self.block_s)
        self.timings = Timings()
        self.late_blocks = 0
        self.turns = 0
        """Iterations of its loop: while the thread is alive, many a second."""
        self._engine = engine
        self._log = LimitedLog(logger)
        self._on_audio = on_audio
        self._on_block = on_block
        self._on_death = on_death
        self._cue = cue
        self._path: OutputPath | None = None
        self._next_path: OutputPath | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    def start(self, path: OutputPath, timeout_s: float = 30.0) -> None:
        """Start rendering into ``path`` and return when its ring is full.

        Raises:
            RuntimeError: it did not fill in time.
        """
        self._path = path
        self._thread.start()
        _wait_until_filled(path, timeout_s)

    def path_to(self, output: Output, card: CardChoice | None = None) -> OutputPath:
        """Make the path from this producer to an output."""
        card = card or CardChoice()
        manifest = self._engine.manifest
        output_format = OutputFormat(
            model_rate_hz=manifest.sample_rate_hz,
            model_channels=CHANNELS,
            block_samples=self.block_samples,
            ring_blocks=self.ring_blocks,
            main=card.main,
            cue=card.cue,
        )
        return OutputPath(output, output_format)

    def switch(self, path: OutputPath, timeout_s: float = 30.0) -> None:
        """Fade from the present path to another; return when its ring is full.

        Raises:
            RuntimeError: it did not fill in time.
        """
        self._next_path = path
        _wait_until_filled(path, timeout_s)

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
        assert self._path is not None  # ``start`` sets it
        path = self._path
        while not self._stopping.is_set():
            self.turns += 1
            if self._next_path is not None:
                self._produce(path, self._next_path)
                path, self._next_path = self._next_path, None
            elif path.has_room:
                self._produce(path)
            else:
                path.filled.set()
                time.sleep(pause_s)

    def _produce(self, path: OutputPath, following: OutputPath | None = None) -> None:
        """Render a block; fade to the ``following`` path, if there is one."""
        self._on_block(path.waiting_s + path.delay_s)
        started_s = time.perf_counter()
        cue = self._render_cue()
        audio = self._render()
        elapsed_s = time.perf_counter() - started_s
        self.timings.add(elapsed_s)
        self.late_blocks += elapsed_s > self.block_s
        if following is None:
            self._on_audio(path.write(audio, cue), path)
        else:
            self._on_audio(path.write_last(audio, cue), path)
            self._on_audio(following.write_first(audio, cue), following)

    def _render(self) -> Floats:
        """Render a block; silence where the engine fails, since a dead thread would be worse."""
        try:
            return self._engine.render(self.block_frames)
        except Exception as error:
            self._log.warning(f"the engine failed; one block is silent ({error!r})")
            return np.zeros((CHANNELS, self.block_samples), np.float32)

    def _render_cue(self) -> Floats | None:
        """Render the cue's block; a failure must not stop the main sound."""
        try:
            return self._cue.render(self.block_frames) if self._cue else None
        except Exception as error:
            self._log.warning(f"the cue failed; one block is silent ({error!r})")
            return None


def _wait_until_filled(path: OutputPath, timeout_s: float) -> None:
    if not path.filled.wait(timeout_s):
        raise RuntimeError(f"the engine did not fill the ring within {timeout_s:g} s")
