"""A sine through the server's path to the sound card; arguments RATE_HZ BLOCK_SAMPLES DECODE_MS.

Before each block it computes about as long as a decoder does, since a player that hardly computes
is rarely interrupted when the host takes the processor away. It plays until its standard input
closes, then prints the underruns since the last line read there, and the dropouts that the device
reported.
"""

from __future__ import annotations

import gc
import statistics
import sys
import timeit
from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from export.audio.arrays import Floats
from server.engine.engine import Engine
from server.engine.synthesis import CHANNELS
from server.output.choice import CardChoice, OutputChoice
from server.output.opening import open_output
from server.output.producer import Producer
from server.system.interpreter import SWITCH_INTERVAL_S
from server.system.priority import CONTROL_PRIORITY, raise_own_priority


class SineEngine:
    """An engine that renders 440 Hz in the time that a decoder takes."""

    def __init__(self, sample_rate_hz: int, decode_ms: float) -> None:
        self.manifest: Any = SimpleNamespace(sample_rate_hz=sample_rate_hz, hop_samples=1)
        self._position = 0
        self._angles = np.linspace(0, 1, 10_000)
        once_s = statistics.median(timeit.repeat(self._compute, number=1, repeat=100))
        self._times = max(1, round(decode_ms / 1e3 / once_s))

    def render(self, samples: int) -> Floats:
        """The next samples (2, T)."""
        for _ in range(self._times):
            self._compute()
        time = self._position + np.arange(samples)
        self._position += samples
        sine = 0.1 * np.sin(2 * np.pi * 440 * time / self.manifest.sample_rate_hz)
        return np.asarray([sine, sine], np.float32)

    def _compute(self) -> None:
        """Work for one processor that, like a decoder's, does not hold the interpreter's lock."""
        np.sin(self._angles)


def main() -> None:
    """Play the sine."""
    rate_hz, block_samples, decode_ms = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    raise_own_priority(CONTROL_PRIORITY)  # as the server does
    output = open_output(OutputChoice(), CardChoice(), rate_hz, CHANNELS)
    engine = cast(Engine, SineEngine(rate_hz, decode_ms))
    producer = Producer(engine, block_samples)
    path = producer.path_to(output)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    gc.freeze()
    producer.start(path)
    output.start(path.ring)
    print("playing", flush=True)
    before = 0, 0
    for _ in sys.stdin:
        before = path.ring.underruns, path.ring.device_xruns
    output.stop()
    producer.stop()
    print(path.ring.underruns - before[0], path.ring.device_xruns - before[1], flush=True)


if __name__ == "__main__":
    main()
