"""Snapshots of what the hands set."""

from __future__ import annotations

from server.controls import events
from server.controls.control import Control

PRESETS = (
    Control(
        name="save preset",
        address="/preset/save",
        types="si",
        minimum=0.0,
        maximum=127.0,
        asks=True,
        command=events.SavePreset,
        description="keeps all values but places, clock, cue and output, and their glides, under a "
        "name; the number is the MIDI program that loads it, by default the next free one; "
        "answers /done with both when it is on the disk",
    ),
    Control(
        name="load preset",
        address="/preset/load",
        types="s",
        command=events.LoadPreset,
        description="all its values at once; answers /done with the name, and what this bundle has "
        "nothing for; /fail and nothing changes where there is none",
    ),
    Control(
        name="morph to preset",
        address="/preset/morph",
        types="sf",
        minimum=0.0,
        maximum=3600.0,
        unit="s",
        command=events.MorphPreset,
        description="goes there from where values are, in so many seconds, on straight lines; "
        "switches, choices and glides change at once; what another hand moves meanwhile is its",
    ),
    Control(
        name="list presets",
        address="/preset/list",
        types="",
        command=events.ListPresets,
        description="reads the folder anew and answers /preset/list.reply with number (-1: none) "
        "and name for each, then /done and how many",
    ),
    Control(
        name="delete preset",
        address="/preset/delete",
        types="s",
        command=events.DeletePreset,
        description="takes its file away; answers /done or /fail",
    ),
)
