"""The server, keeping every block it gives to the sound card: OUT.npy ARGUMENTS..."""

from __future__ import annotations

import sys

import numpy as np

from server.app import App
from server.arrays import Floats
from server.cli import parse_args
from server.models.default import open_bundle
from server.program import desk_of


def main() -> None:
    """Play as ``python -m server`` does; at the end write what was played, (T, C)."""
    out, *arguments = sys.argv[1:]
    settings = parse_args(arguments)
    bundle = open_bundle(settings.bundle)
    blocks: list[Floats] = []
    App(settings, bundle, desk_of(settings, bundle), tap=blocks.append).run()
    np.save(out, np.concatenate(blocks))


if __name__ == "__main__":
    main()
