"""Gains of structure, band by band."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from server.controls.addresses import STRUCTURE
from server.controls.control import Control


def structure_gains(edges_hz: Sequence[float]) -> tuple[Control, ...]:
    """Return one family for the bands between ``edges_hz``, or no row where there are none."""
    bands = list(pairwise(edges_hz))
    if not bands:
        return ()
    return (
        Control(
            name="structure",
            address=f"{STRUCTURE}/{{}}",
            types="f",
            minimum=0.0,
            maximum=2.0,
            default=1.0,
            smoothing_s=0.02,
            midi=True,
            members=tuple(str(band) for band in range(len(bands))),
            member_notes=tuple(f"This band: {low:.0f} to {high:.0f} Hz" for low, high in bands),
            description="How strongly one band of the structure moves; band 0 is the lowest. A "
            "gain of 0 flattens its rhythm and notes to their mean, 2 exaggerates them",
        ),
    )
