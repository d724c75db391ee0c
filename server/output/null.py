"""The null output: takes samples in real time, without a device."""

from __future__ import annotations

import threading
import time

import numpy as np

from server.output.ring import Ring

PERIOD_S = 0.01


class NullOutput:
    """Empties the ring in real time, so that everything else works as with a sound card."""

    name = "null"
    latency_s = PERIOD_S

    def __init__(self, sample_rate_hz: float, channels: int = 2) -> None:
        self.sample_rate_hz = sample_rate_hz
        self.channels = channels
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def new_ring(self, capacity_samples: int) -> Ring:
        """Make a ring in this process."""
        return Ring(capacity_samples, self.channels)

    def start(self, ring: Ring) -> None:
        """Start taking samples, perhaps from a ring that another output has left."""
        self._thread = threading.Thread(target=self._run, args=(ring,), name="null", daemon=True)
        self._thread.start()

    def is_lost(self) -> bool:
        """Never."""
        return False

    def stop(self) -> None:
        """Stop; may be called twice."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self, ring: Ring) -> None:
        period = round(PERIOD_S * self.sample_rate_hz)
        taken = np.zeros((period, ring.channels), np.float32)
        due_s = time.monotonic()
        while not self._stopping.is_set():
            ring.read_into(taken)
            due_s += period / self.sample_rate_hz
            self._stopping.wait(max(due_s - time.monotonic(), 0.0))
