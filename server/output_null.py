"""The output that nobody hears: takes samples at the pace of the clock, needs no device."""

from __future__ import annotations

import threading
import time

import numpy as np

from server.ring import Ring

PERIOD_S = 0.01


class NullOutput:
    """Empties the ring in real time, so that everything before it works as with a sound card."""

    name = "null"
    latency_s = PERIOD_S
    device_xruns = 0

    def __init__(self, sample_rate_hz: float) -> None:
        self.sample_rate_hz = sample_rate_hz
        self.underruns = 0
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, ring: Ring) -> None:
        """Begin to take samples."""
        self._thread = threading.Thread(target=self._run, args=(ring,), name="null", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End; may be called twice."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self, ring: Ring) -> None:
        period = round(PERIOD_S * self.sample_rate_hz)
        taken = np.zeros((period, ring.channels), np.float32)
        due_s = time.monotonic()
        while not self._stopping.is_set():
            self.underruns += ring.read_into(taken) < period
            due_s += period / self.sample_rate_hz
            self._stopping.wait(max(due_s - time.monotonic(), 0.0))
