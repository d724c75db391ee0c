"""Records one JACK port until its standard input closes; arguments SOURCE_PORT SECONDS OUT.npy.

Prints ``recording`` once it is connected and, at the end, the number of xruns that JACK reported.
"""

from __future__ import annotations

import sys

import jack
import numpy as np


def main() -> None:
    """Record up to SECONDS into OUT.npy (T,)."""
    source, seconds, out = sys.argv[1], float(sys.argv[2]), sys.argv[3]
    client = jack.Client("recorder", no_start_server=True)
    port = client.inports.register("in")
    recorded = np.zeros(int(seconds * client.samplerate), np.float32)
    position, xruns = 0, 0

    @client.set_process_callback  # type: ignore[untyped-decorator]
    def process(frames: int) -> None:
        nonlocal position
        room = recorded[position : position + frames]
        room[:] = port.get_array()[: len(room)]
        position += len(room)

    @client.set_xrun_callback  # type: ignore[untyped-decorator]
    def xrun(delayed_us: float) -> None:
        nonlocal xruns
        xruns += 1

    with client:
        client.connect(source, "recorder:in")
        print("recording", flush=True)
        sys.stdin.read()
    np.save(out, recorded[:position])
    print(xruns, flush=True)


if __name__ == "__main__":
    main()
