"""The loaders of ``training.prepare``, by the name that its command line takes."""

from __future__ import annotations

from training.datasets import fma, gtzan, irmas, maestro, nsynth
from training.datasets import plain_folder as folder
from training.datasets.listing import Loader

PLAIN = "folder"

LOADERS: dict[str, Loader] = {
    PLAIN: folder.find,
    "gtzan": gtzan.find,
    "fma": fma.find,
    "nsynth": nsynth.find,
    "irmas": irmas.find,
    "maestro": maestro.find,
}
