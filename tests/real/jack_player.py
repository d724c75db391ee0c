"""Plays a sine on a JACK port of its own until its standard input closes: HZ.

Prints ``playing`` when it does; the port is ``tone:out``.
"""

from __future__ import annotations

import sys

import jack
import numpy as np

LEVEL = 0.2


def main() -> None:
    """Play."""
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
