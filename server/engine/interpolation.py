"""Interpolation between up to four decks: the share of each, on a line or along an arc.

    y   c (0,1) ---- d (1,1)        linear     bilinear: the nearer a corner, the more of it
    ^      |            |           spherical  an arc from a to b, one from c to d, one between:
    |   a (0,0) ---- b (1,0)                   keeps the distance from the trained mean, where a
    '----> x                                   straight line cuts through the colourless middle

An arc needs two directions: where vectors are zero, or point the same or opposite ways, the
straight line is used.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from export.audio.arrays import Floats

_LEAST_SINE = 1e-3
"""The smallest sine of the angle between two styles for an arc: below it the arc is a line, to a
millionth, or its plane is undefined.
"""


def shares(x: NDArray[np.float64], y: NDArray[np.float64]) -> Floats:
    """The share of each deck at (x, y), (N,) each 0..1: weights (4,N) that sum to 1."""
    corners = [(1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y]
    return np.asarray(corners, np.float32)


def spherical(
    styles: Sequence[Floats], mean: Floats, x: NDArray[np.float64], y: NDArray[np.float64]
) -> Floats:
    """Style (D,N) between the four ``styles`` (D,N) at (x, y), (N,) each, on arcs about ``mean``.

    Ken Shoemake, Animating rotation with quaternion curves, 1985 (slerp).
    """
    a, b, c, d = (style - mean[:, None] for style in styles)
    return mean[:, None] + _arc(_arc(a, b, x), _arc(c, d, x), y)


def _arc(start: Floats, end: Floats, position: NDArray[np.float64]) -> Floats:
    """From ``start`` to ``end`` (D,N): sin((1-t) w)/sin(w) start + sin(t w)/sin(w) end."""
    lengths = np.linalg.norm(start, axis=0) * np.linalg.norm(end, axis=0)
    cosine = (start * end).sum(axis=0) / np.maximum(lengths, np.finfo(np.float32).tiny)
    angle = np.arccos(np.clip(cosine.astype(np.float64), -1, 1))
    sine = np.sin(angle)
    is_arc = (sine > _LEAST_SINE) & (lengths > 0)
    divisor = np.where(is_arc, sine, 1.0)
    start_weight = np.where(is_arc, np.sin((1 - position) * angle) / divisor, 1 - position)
    end_weight = np.where(is_arc, np.sin(position * angle) / divisor, position)
    curve: Floats = start * start_weight.astype(np.float32) + end * end_weight.astype(np.float32)
    return curve
