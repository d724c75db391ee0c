"""The server, saving all sound that it plays; arguments OUT.npy ARGUMENTS..."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import soundfile

from server.program import main as play


def main() -> None:
    """Play as ``python -m server`` does, and at the end write the sound played (T, C)."""
    out, *arguments = sys.argv[1:]
    recorded = Path(out).with_suffix(".tapped.wav")
    play([*arguments, "--record", str(recorded)])
    np.save(out, soundfile.read(recorded, always_2d=True, dtype="float32")[0])


if __name__ == "__main__":
    main()
