"""Addresses, words and limits used beyond the table of controls."""

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
"""In semitones; the lowest is as far down."""
POSITION = "/position"
SLICE = "/slice"
TAP = "/tempo/tap"
TEMPO = "/tempo"

DECKS = ("a", "b", "c", "d")
BYPASS = "bypass"

JUMPS = (POSITION, SLICE, BEAT)
"""Values that jump instead of gliding."""

INTERNAL, MIDI, LINK = CLOCKS = ("internal", "midi", "link")
"""The choices of ``/clock``."""

SLOWEST_BPM, FASTEST_BPM = 20.0, 999.0
"""The limits of Ableton Live."""
AS_RECORDED = 0.0
DEFAULT_BPM = 120.0
"""The tempo where none is set."""
MOST_NUDGE = 10.0
"""In per cent; pitch stays, and the tempo still seems the same."""
MOST_BEATS = 1e6

LONGEST_CAPTURE_S = 60.0
"""The longest capture of the live input."""

SLICES = 16
"""Equal parts of a deck."""

NOTE_KEYS = "/note/keys"
KEYS_OFF, KEYS_GATE, KEYS_LATCH = KEYS = ("off", "gate", "latch")
"""The choices of ``/note/keys``, for MIDI keys."""
FIRST_KEY = 36
"""The key of slice 0: C2, the first pad of most controllers."""
