"""Any layout of channels as two: a matrix of ITU-R BS.775-3, annex 4, by the channels' names.

    left  = FL + 0.71 FC + 0.71 (SL, BL) + 0.5 BC        LFE is left out
    right = FR + 0.71 FC + 0.71 (SR, BR) + 0.5 BC

Mono becomes two equal channels. Where a file does not say which channels it has, one or two are
taken as mono or stereo, and of more, each side gets the mean.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from export.audio.arrays import Floats

_HALF = float(np.sqrt(0.5))
_SHARES = {
    **dict.fromkeys(("FL", "DL"), (1.0, 0.0)),
    **dict.fromkeys(("FR", "DR"), (0.0, 1.0)),
    **dict.fromkeys(("SL", "BL", "FLC", "WL"), (_HALF, 0.0)),
    **dict.fromkeys(("SR", "BR", "FRC", "WR"), (0.0, _HALF)),
    **dict.fromkeys(("LFE", "LFE2"), (0.0, 0.0)),
    "FC": (_HALF, _HALF),
}
_ELSEWHERE = (0.5, 0.5)
"""Behind or above."""
_UNNAMED = "NONE"


def to_stereo(channels: Floats, names: tuple[str, ...]) -> Floats:
    """Mix ``channels`` (C, T) with these names, such as FL, to stereo (T, 2)."""
    if len(names) == 1:
        return np.repeat(channels.T, 2, axis=1)
    if len(names) == 2 and set(names) <= {_UNNAMED, "FL", "FR"}:
        return channels.T
    return np.asarray(channels.T @ _matrix(names), np.float32)


@cache
def _matrix(names: tuple[str, ...]) -> Floats:
    """The shares (C, 2) of each channel in left and right."""
    if _UNNAMED in names:
        return np.full((len(names), 2), 1 / len(names), np.float32)
    return np.array([_SHARES.get(name, _ELSEWHERE) for name in names], np.float32)
