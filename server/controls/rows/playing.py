"""Transport, playhead, glides, and motion that is recorded and looped."""

from __future__ import annotations

from server.controls import events
from server.controls.addresses import (
    HIGHEST_PITCH,
    KEYS,
    KEYS_GATE,
    MOTION,
    NOTE_KEYS,
    PITCH,
    POSITION,
    SLICE,
    SLICES,
)
from server.controls.control import Control

TRANSPORT = (
    Control(
        name="play",
        address="/play",
        types="",
        command=events.Play,
        description="let the playhead run",
    ),
    Control(
        name="stop",
        address="/stop",
        types="",
        command=events.Stop,
        description="hold the playhead and fall silent",
    ),
)

PLAYHEAD = (
    Control(
        name="speed",
        address="/speed",
        types="f",
        minimum=-4.0,
        maximum=4.0,
        default=1.0,
        smoothing_s=0.02,
        midi=True,
        midi_bend=(0.0, 2.0),
        description="of the playhead: below 0 backwards; pitch stays",
    ),
    Control(
        name="pitch",
        address=PITCH,
        types="f",
        minimum=-HIGHEST_PITCH,
        maximum=HIGHEST_PITCH,
        unit="semitones",
        smoothing_s=0.02,
        midi=True,
        description="transposition of what is decoded; tempo stays, and a bypassed recording's own "
        "pitch",
    ),
    Control(
        name="freeze",
        address="/freeze",
        types="i",
        minimum=0.0,
        maximum=1.0,
        midi=True,
        description="1 holds the playhead while the sound goes on, 0 lets it run",
    ),
    Control(
        name="position",
        address=POSITION,
        types="f",
        minimum=0.0,
        maximum=1.0,
        midi=True,
        in_presets=False,
        description="jump, 0..1 of the loop; asked, it answers where the first loaded deck is now",
    ),
    Control(
        name="loop",
        address="/loop",
        types="ff",
        minimum=0.0,
        maximum=1.0,
        takes_all=True,
        moves=("/loop/start", "/loop/end"),
        description="part of each deck that is repeated; an end before the start goes on over the "
        "deck's end, an end at the start is the whole deck",
    ),
    Control(
        name="loop start",
        address="/loop/start",
        types="f",
        minimum=0.0,
        maximum=1.0,
        midi=True,
        description="the loop's first point alone",
    ),
    Control(
        name="loop end",
        address="/loop/end",
        types="f",
        minimum=0.0,
        maximum=1.0,
        default=1.0,
        midi=True,
        description="the loop's last point alone",
    ),
    Control(
        name="slice",
        address=SLICE,
        types="i",
        minimum=0.0,
        maximum=SLICES - 1.0,
        midi=True,
        in_presets=False,
        description="jump to one of 16 equal parts of each deck and loop it; /loop 0 1 opens the "
        "loop again",
    ),
)

NOTES = (
    Control(
        name="note",
        address="/note",
        types="ii",
        minimum=0.0,
        maximum=127.0,
        command=events.PlayNote,
        description="a key and its velocity, 0 lets it go: key 36 and those above play the 16 "
        "slices, also while all is stopped; while it is held, its slice is looped at its level",
    ),
    Control(
        name="keys",
        address=NOTE_KEYS,
        types="s",
        choices=KEYS,
        minimum=0.0,
        maximum=len(KEYS) - 1.0,
        default=float(KEYS.index(KEYS_GATE)),
        midi=True,
        description="what the keys of MIDI do: off nothing, gate /note for as long as they are "
        "held, latch until the same key is pressed again",
    ),
)

GLIDE = (
    Control(
        name="glide",
        address="/glide",
        types="sf",
        minimum=0.0,
        maximum=60.0,
        unit="s",
        asks=True,
        command=events.SetGlide,
        description="how slowly a value is followed: its address and the time constant, in which "
        "63 % of the way are gone, 95 % in three times as long; asked with the address alone",
    ),
)

MOTION_RECORDER = (
    Control(
        name="record motion",
        address=f"{MOTION}/record",
        types="i",
        minimum=0.0,
        maximum=1.0,
        midi=True,
        in_presets=False,
        description="1 begins to record all changes of values in place of those before, 0 ends: "
        "the time between is the loop",
    ),
    Control(
        name="play motion",
        address=f"{MOTION}/play",
        types="i",
        minimum=0.0,
        maximum=1.0,
        midi=True,
        in_presets=False,
        description="1 loops the recorded changes from their beginning, 0 leaves values as they "
        "are; a recording comes first",
    ),
    Control(
        name="clear motion",
        address=f"{MOTION}/clear",
        types="",
        command=events.ClearMotion,
        description="forget the recorded changes",
    ),
)
