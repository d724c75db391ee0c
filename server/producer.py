"""The engine's thread: keeps the ring filled, a few blocks ahead of the device.

    engine.render -> resampler -> ring -> output
                        |
                        '-> tap (a recorder, a test)

The ring is filled up to ``ring_blocks`` blocks, two or more; a block is rendered as soon as there
is room for it.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable

import numpy as np

from server.denormals import flush_denormals
from server.engine import Engine
from server.log_limit import LimitedLog
from server.priority import raise_own_priority
from server.resampler import StreamResampler
from server.ring import Ring
from server.session import Floats
from server.timing import Timings

logger = logging.getLogger(__name__)

Tap = Callable[[Floats], None]

RING_MARGIN_S = 0.034
"""What the ring holds while a block is decoded. With 23 ms sound broke off now and then on a busy
virtual machine, whose host holds a processor up for up to 30 ms; real ones are calmer."""

_PAUSES_A_BLOCK = 8
_SHORTEST_PAUSE_S = 0.0005


class Producer:
    """Renders in its own thread from ``start`` to ``stop``."""

    def __init__(
        self,
        engine: Engine,
        block_frames: int,
        device_rate_hz: float,
        ring_blocks: int | None = None,
        tap: Tap | None = None,
        on_block: Callable[[float], None] = lambda waiting_s: None,
    ) -> None:
        """``on_block`` is told before each block how much sound (s) waits in the ring."""
        manifest = engine.manifest
        self.block_frames = block_frames
        self.block_samples = block_frames * manifest.hop_samples
        self.block_s = self.block_samples / manifest.sample_rate_hz
        self.ring_blocks = ring_blocks or 1 + math.ceil(RING_MARGIN_S / self.block_s)
        self.timings = Timings()
        self.late_blocks = 0
        self.resampler = StreamResampler(manifest.sample_rate_hz, device_rate_hz, manifest.channels)
        self._engine = engine
        self._log = LimitedLog(logger)
        self._tap = tap
        self._on_block = on_block
        self._device_rate_hz = device_rate_hz
        self._device_block = round(self.block_s * device_rate_hz)
        self._wanted_samples = self.ring_blocks * self._device_block
        # Beyond what is wanted, room for one uneven block of the resampler.
        self.ring = Ring(self._wanted_samples + 2 * self._device_block, manifest.channels)
        self._filled = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    def start(self, timeout_s: float = 30.0) -> None:
        """Begin to render and return when the ring is full.

        Raises:
            RuntimeError: it did not fill in time.
        """
        self._thread.start()
        if not self._filled.wait(timeout_s):
            raise RuntimeError(f"the engine filled no ring within {timeout_s:g} s")

    def stop(self) -> None:
        """End the thread; may be called twice."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        logger.debug("engine thread: %s priority", raise_own_priority())
        flush_denormals()
        pause_s = max(self.block_s / _PAUSES_A_BLOCK, _SHORTEST_PAUSE_S)
        while not self._stopping.is_set():
            if self.ring.available + self._device_block <= self._wanted_samples:
                self._produce()
            else:
                self._filled.set()
                time.sleep(pause_s)

    def _produce(self) -> None:
        self._on_block(self.ring.available / self._device_rate_hz)
        started_s = time.perf_counter()
        audio = self._render()
        elapsed_s = time.perf_counter() - started_s
        self.timings.add(elapsed_s)
        self.late_blocks += elapsed_s > self.block_s
        samples = self.resampler.process(audio.T)
        self.ring.write(samples)
        if self._tap is not None:
            self._tap(samples)

    def _render(self) -> Floats:
        """A block; silence where the engine has a fault, for a dead thread would be worse."""
        try:
            return self._engine.render(self.block_frames)
        except Exception as error:
            self._log.warning(f"the engine failed on a block, which is silent ({error!r})")
            return np.zeros((self._engine.manifest.channels, self.block_samples), np.float32)
