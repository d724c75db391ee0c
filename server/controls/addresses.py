"""Addresses, words and limits of controls that other modules also need."""

from __future__ import annotations

ALIGN = "/interp/align"
BEAT = "/beat"
CLOCK = "/clock"
DETAIL = "/detail"
GENERATE = "/generate"
MOTION = "/motion"
LATENT = "/latent"
NUDGE = "/nudge"
PITCH = "/pitch"
HIGHEST_PITCH = 12.0
"""In semitones, up or down."""
POSITION = "/position"
SLICE = "/slice"
STRUCTURE = "/structure"
TAP = "/tempo/tap"
TEMPO = "/tempo"

DECKS = ("a", "b", "c", "d")
BYPASS = "bypass"

JUMPS = (POSITION, SLICE, BEAT)
"""Controls that jump to their values and cannot glide."""

INTERNAL, MIDI, LINK = CLOCKS = ("internal", "midi", "link")
"""The choices of ``/clock``."""

SLOWEST_BPM, FASTEST_BPM = 20.0, 999.0
"""The range of Ableton Live."""
AS_RECORDED = 0.0
"""The value of ``/tempo`` that leaves each deck at its own tempo."""
DEFAULT_BPM = 120.0
"""The tempo if neither a deck nor the performer gives one."""
MOST_NUDGE = 10.0
"""In per cent. Pitch does not change, and listeners still hear the same tempo."""
MOST_BEATS = 1e6

LONGEST_CAPTURE_S = 60.0
"""How much of the live input can be captured."""

LARGEST_GAIN_DB = 200.0
"""Of a recording: from its own level to the model's."""

SLICES = 16
"""Equal parts of a deck."""

NOTE_KEYS = "/note/keys"
KEYS_OFF, KEYS_GATE, KEYS_LATCH = KEYS = ("off", "gate", "latch")
"""The choices of ``/note/keys``: what MIDI keys do."""
FIRST_KEY = 36
"""The key of slice 0: C2, the first pad of most controllers."""
