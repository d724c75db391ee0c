"""Addresses and words that more than the table of controls knows."""

from __future__ import annotations

ALIGN = "/interp/align"
CLOCK = "/clock"
GENERATE = "/generate"
MOTION = "/motion"
LATENT = "/latent"
PITCH = "/pitch"
POSITION = "/position"
SLICE = "/slice"
TAP = "/tempo/tap"
TEMPO = "/tempo"

DECKS = ("a", "b", "c", "d")
BYPASS = "bypass"

JUMPS = (POSITION, SLICE)
"""Values that are jumped to: nothing glides there."""

SLICES = 16
"""Equal parts of a deck."""
