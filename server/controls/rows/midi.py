"""Which knob of a controller moves what."""

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
        description="an address, then turn the knob that shall move it, an endless one up first, "
        "then down; jump, pick-up or scale may follow; answers /done with the knob when it is "
        "kept, /fail after 30 s; without an address: cancel",
    ),
    Control(
        name="forget MIDI",
        address="/midi/forget",
        types="s",
        command=events.ForgetMidi,
        description="no knob that was learned moves this address any more; where none was, not its "
        "usual knob either",
    ),
    Control(
        name="MIDI maps",
        address="/midi/maps",
        types="",
        command=events.ListMidiMaps,
        description="answers /midi/map for each: address, knob, then names and values of its "
        "options; then /done and how many",
    ),
    Control(
        name="MIDI map",
        address="/midi/map",
        types="ssvs",
        asks=True,
        command=events.ChangeMidiMap,
        description="an address, and an option with its value: takeover jump, pick-up or scale; "
        "low, high; curve linear, exponential or logarithmic; invert 0 or 1; relative off, signed "
        "bit, signed bit 2, bin offset or 2's complement; feedback 0 or 1; of one knob only if it "
        "is named as /midi/maps has it; asked with the address alone",
    ),
)
