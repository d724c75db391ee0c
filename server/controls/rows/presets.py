"""Presets: snapshots of control values."""

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
        description="Save all values and their glides under a name, except /position, /slice, "
        "/beat, /nudge, /clock, motion, cue, level and mute. The number is the MIDI program that "
        "recalls it (default: the next free one). Replies /done with both once it is on disk",
    ),
    Control(
        name="load preset",
        address="/preset/load",
        types="s",
        command=events.LoadPreset,
        description="Recall a preset: all its values at once. Replies /done with the name and "
        "whatever this bundle has no control for; /fail if there is no such preset, and nothing "
        "changes",
    ),
    Control(
        name="morph to preset",
        address="/preset/morph",
        types="sf",
        minimum=0.0,
        maximum=3600.0,
        unit="s",
        command=events.MorphPreset,
        description="Morph to a preset from the current values, in straight lines over so many "
        "seconds. Switches, choices and glides change at once. A value that something else moves "
        "meanwhile leaves the morph",
    ),
    Control(
        name="list presets",
        address="/preset/list",
        types="",
        command=events.ListPresets,
        description="Read the preset folder again. Replies /preset/list.reply with number (-1: "
        "none) and name for each, then /done with the count",
    ),
    Control(
        name="delete preset",
        address="/preset/delete",
        types="s",
        command=events.DeletePreset,
        description="Delete a preset's file. Replies /done or /fail",
    ),
)
