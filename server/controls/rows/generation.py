"""Structure that a prior plays on."""

from __future__ import annotations

from server.controls.addresses import GENERATE
from server.controls.control import Control

GENERATION = (
    Control(
        name="generate",
        address=GENERATE,
        types="f",
        minimum=0.0,
        maximum=1.0,
        smoothing_s=0.05,
        midi=True,
        description="1 plays on for ever from the last ticks played, 0 is the decks' own "
        "structure, between the two improvises along; /fail where the bundle has no prior",
    ),
    Control(
        name="generate temperature",
        address="/generate/temperature",
        types="f",
        minimum=0.0,
        maximum=2.0,
        default=1.0,
        midi=True,
        description="how daring what is played on is: 0 the likeliest, 1 as the training music",
    ),
)
