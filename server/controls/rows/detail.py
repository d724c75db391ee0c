"""How much of the recordings' own detail is carried along."""

from __future__ import annotations

from server.controls.addresses import DECKS, DETAIL
from server.controls.control import Control

DETAIL_ROWS = (
    Control(
        name="detail",
        address=DETAIL,
        types="f",
        minimum=0.0,
        maximum=1.0,
        default=1.0,
        smoothing_s=0.05,
        midi=True,
        description="How much of the recordings' own detail sounds: at 1 a deck at rest is its "
        "recording, at 0 the latents sound alone",
    ),
    Control(
        name="detail between",
        address="/detail/between",
        types="f",
        minimum=0.0,
        maximum=1.0,
        default=0.5,
        smoothing_s=0.05,
        midi=True,
        description="How much of the detail is left half way between decks (/interp/structure), "
        "where the latents merge: 1 is nearly a crossfade of the recordings",
    ),
    Control(
        name="deck detail",
        address="/deck/{}/detail",
        types="f",
        minimum=0.0,
        maximum=1.0,
        default=1.0,
        smoothing_s=0.05,
        midi=True,
        members=DECKS,
        description="How much of this deck's own detail sounds, times /detail",
    ),
)
