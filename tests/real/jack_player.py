"""Plays a sine of HZ on its own JACK port until its standard input closes; argument HZ.

Prints ``playing`` once it plays; the port is ``tone:out``.
"""

from __future__ import annotations

import sys

import jack
import numpy as np

LEVEL = 0.2


def main() -> None:
    """Play the sine."""
    hz = float(sys.argv[1])
    client = jack.Client("tone", no_start_server=True)
    port = client.outports.register("out")
    position = 0

    @client.set_process_callback  # type: ignore[untyped-decorator]
    def process(frames: int) -> None:
        nonlocal position
        time = (position + np.arange(frames)) / client.samplerate
        port.get_array()[:] = LEVEL * np.sin(2 * np.pi * hz * time)
        position += frames

    with client:
        print("playing", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
