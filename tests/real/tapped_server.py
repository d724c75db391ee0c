"""The server, keeping all that it gives to the sound card: OUT.npy ARGUMENTS..."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import soundfile

from server.program import main as play


def main() -> None:
    """Play as ``python -m server`` does; at the end write what was played, (T, C)."""
    out, *arguments = sys.argv[1:]
    recorded = Path(out).with_suffix(".tapped.wav")
    play([*arguments, "--record", str(recorded)])
    np.save(out, soundfile.read(recorded, always_2d=True, dtype="float32")[0])


if __name__ == "__main__":
    main()
