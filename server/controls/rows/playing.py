"""Transport, playhead, notes, glides and motion."""

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
        description="Start the playhead",
    ),
    Control(
        name="stop",
        address="/stop",
        types="",
        command=events.Stop,
        description="Hold the playhead and go silent",
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
        description="Speed of the playhead; below 0 plays backwards. Pitch stays",
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
        description="Transpose the decoded sound; tempo stays. A bypassed recording keeps its "
        "own pitch",
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
        description="Jump to a place in the loop, 0..1. A query returns where the first loaded "
        "deck is now",
    ),
    Control(
        name="loop",
        address="/loop",
        types="ff",
        minimum=0.0,
        maximum=1.0,
        takes_all=True,
        moves=("/loop/start", "/loop/end"),
        description="Part of each deck to repeat. An end before the start wraps around the "
        "deck's end; an end at the start loops the whole deck",
    ),
    Control(
        name="loop start",
        address="/loop/start",
        types="f",
        minimum=0.0,
        maximum=1.0,
        midi=True,
        description="Start of the loop",
    ),
    Control(
        name="loop end",
        address="/loop/end",
        types="f",
        minimum=0.0,
        maximum=1.0,
        default=1.0,
        midi=True,
        description="End of the loop",
    ),
    Control(
        name="slice",
        address=SLICE,
        types="i",
        minimum=0.0,
        maximum=SLICES - 1.0,
        midi=True,
        in_presets=False,
        description="Jump to one of 16 equal parts of each deck and loop it; /loop 0 1 loops the "
        "whole deck again",
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
        description="Key and velocity; velocity 0 releases the key. Key 36 plays slice 0, the "
        "next keys the slices after it, every 16 keys again, also while stopped. The slice loops "
        "while the key is held; velocity sets its level",
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
        description="What MIDI keys do: off ignores them, gate plays /note while they are held, "
        "latch holds it until the same key is pressed again",
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
        description="How slowly a value is followed: its address and a time constant. 63 % of "
        "the way takes that long, 95 % three times as long. Query with the address alone",
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
        description="1 starts recording all changes of values, in place of the last recording; 0 "
        "stops. The time between is the loop",
    ),
    Control(
        name="play motion",
        address=f"{MOTION}/play",
        types="i",
        minimum=0.0,
        maximum=1.0,
        midi=True,
        in_presets=False,
        description="1 loops the recorded changes from their start, 0 leaves values where they "
        "are. Record something first",
    ),
    Control(
        name="clear motion",
        address=f"{MOTION}/clear",
        types="",
        command=events.ClearMotion,
        description="Discard the recorded changes",
    ),
)
