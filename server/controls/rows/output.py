"""Level, mute, cue and the choice of output."""

from __future__ import annotations

from server.controls import events
from server.controls.addresses import DECKS
from server.controls.control import Control

OUTPUT = (
    Control(
        name="level",
        address="/level",
        types="f",
        minimum=-60.0,
        maximum=6.0,
        unit="dB",
        default=-12.0,
        smoothing_s=0.02,
        midi=True,
        in_presets=False,
        description="Output level",
    ),
    Control(
        name="mute",
        address="/mute",
        types="i",
        minimum=0.0,
        maximum=1.0,
        smoothing_s=0.005,
        midi=True,
        in_presets=False,
        description="1 silences the output, 0 opens it again",
    ),
    Control(
        name="panic",
        address="/panic",
        types="",
        command=events.Panic,
        description="Stop at once, and clear everything that still rings",
    ),
    Control(
        name="cue",
        address="/cue",
        types="s",
        choices=("off", *DECKS),
        minimum=0.0,
        maximum=float(len(DECKS)),
        midi=True,
        in_presets=False,
        description="Play one deck alone on the second pair of channels (--cue), in its own "
        "style, at the playhead, also while the rest is stopped. /fail if there is no such pair",
    ),
    Control(
        name="cue level",
        address="/cue/level",
        types="f",
        minimum=-60.0,
        maximum=6.0,
        unit="dB",
        default=-12.0,
        midi=True,
        in_presets=False,
        description="Level of the cue; /level and /mute do not change it",
    ),
    Control(
        name="output",
        address="/output",
        types="s",
        repeats=True,
        command=events.ChangeOutput,
        description="Switch to another output: soundcard, soundcard:NAME or null. If it cannot "
        "be opened, nothing changes. A query returns the output, and playing or lost",
    ),
)
