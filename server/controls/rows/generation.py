"""Structure drawn by the prior."""

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
        description="1 plays on endlessly from the last ticks, 0 plays the decks' own structure, "
        "values between improvise on it. /fail if the bundle has no prior",
    ),
    Control(
        name="generate temperature",
        address="/generate/temperature",
        types="f",
        minimum=0.0,
        maximum=2.0,
        default=1.0,
        midi=True,
        description="How daring the prior is: 0 takes the most likely, 1 varies as the training "
        "music does",
    ),
)
