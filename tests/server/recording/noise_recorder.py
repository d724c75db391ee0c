"""Records reproducible noise until it is killed: FILE SEED.

Prints after each block how many samples the recorder has received, and when (s).
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

from server.output.null import NullOutput
from server.output.output_path import OutputFormat, OutputPath
from server.recording.recorder import SoundRecorder

RATE, BLOCK, CHANNELS = 48_000, 480, 2


def null_path(rate_hz: int = RATE) -> OutputPath:
    """The path to an output that is never started."""
    return OutputPath(NullOutput(rate_hz), OutputFormat(rate_hz, CHANNELS, BLOCK, 2))


def block(seed: int, number: int) -> np.ndarray:
    """The noise of one block (T, C)."""
    random = np.random.default_rng((seed, number))
    return random.uniform(-1, 1, (BLOCK, CHANNELS)).astype(np.float32)


def main() -> None:
    """Record in real time."""
    path, seed = Path(sys.argv[1]), int(sys.argv[2])
    recorder, output_path = SoundRecorder(path.parent), null_path()
    recorder.begin(path)
    began_s = time.monotonic()
    for number in range(100_000):
        recorder.receive(block(seed, number), output_path)
        print((number + 1) * BLOCK, time.monotonic(), flush=True)
        time.sleep(max(began_s + (number + 1) * BLOCK / RATE - time.monotonic(), 0))


if __name__ == "__main__":
    main()
