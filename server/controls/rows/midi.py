"""MIDI mappings: learning, listing and changing them."""

from __future__ import annotations

from server.controls import events
from server.controls.control import Control

MIDI_MAPS = (
    Control(
        name="learn MIDI",
        address="/midi/learn",
        types="s",
        repeats=True,
        command=events.LearnMidi,
        description="Learn a knob: send an address, then turn the knob (an endless encoder up "
        "first, then down). A takeover (jump, pick-up, scale) and an encoder's coding (or "
        "absolute) may follow the address. Replies /done with the knob once it is saved, /fail "
        "after 30 s. Without an address: cancel",
    ),
    Control(
        name="forget MIDI",
        address="/midi/forget",
        types="s",
        command=events.ForgetMidi,
        description="Remove the learned mappings of an address; if it has none, disconnect its "
        "default knob",
    ),
    Control(
        name="MIDI maps",
        address="/midi/maps",
        types="",
        command=events.ListMidiMaps,
        description="List the mappings: /midi/map for each, with address, knob, and names and "
        "values of its options; then /done with the count",
    ),
    Control(
        name="MIDI map",
        address="/midi/map",
        types="ssvs",
        asks=True,
        command=events.ChangeMidiMap,
        description="Change an option of a mapping: address, option, value. Options: takeover "
        "jump, pick-up or scale; low, high; curve linear, exponential or logarithmic; invert 0 "
        "or 1; relative off, signed bit, signed bit 2, bin offset or 2's complement; feedback 0 "
        "or 1. Changes every knob of the address, or only the one named last, as /midi/maps "
        "spells it. Query with the address alone",
    ),
)
