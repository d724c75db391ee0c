"""Addresses, words and limits that more than the table of controls knows."""

from __future__ import annotations

ALIGN = "/interp/align"
BEAT = "/beat"
CLOCK = "/clock"
GENERATE = "/generate"
MOTION = "/motion"
LATENT = "/latent"
NUDGE = "/nudge"
PITCH = "/pitch"
HIGHEST_PITCH = 12.0
"""In semitones; as far down."""
POSITION = "/position"
SLICE = "/slice"
TAP = "/tempo/tap"
TEMPO = "/tempo"

DECKS = ("a", "b", "c", "d")
BYPASS = "bypass"

JUMPS = (POSITION, SLICE, BEAT)
"""Values that are jumped to: nothing glides there."""

INTERNAL, MIDI, LINK = CLOCKS = ("internal", "midi", "link")
"""What ``/clock`` follows."""

SLOWEST_BPM, FASTEST_BPM = 20.0, 999.0
"""As Ableton Live has it."""
AS_RECORDED = 0.0
DEFAULT_BPM = 120.0
"""Where nobody says one."""
MOST_NUDGE = 10.0
"""In per cent; pitch stays, and it is still heard as the same tempo."""
MOST_BEATS = 1e6

LONGEST_CAPTURE_S = 60.0
"""What may be captured of the live input."""

SLICES = 16
"""Equal parts of a deck."""

NOTE_KEYS = "/note/keys"
KEYS_OFF, KEYS_GATE, KEYS_LATCH = KEYS = ("off", "gate", "latch")
"""What the keys of MIDI do."""
FIRST_KEY = 36
"""Of slice 0: C2, the first pad of most controllers."""
