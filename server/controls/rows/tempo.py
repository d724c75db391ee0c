"""Tempo, beat and clock."""

from __future__ import annotations

from server.controls import events
from server.controls.addresses import (
    AS_RECORDED,
    BEAT,
    CLOCK,
    CLOCKS,
    FASTEST_BPM,
    MOST_BEATS,
    MOST_NUDGE,
    NUDGE,
    SLOWEST_BPM,
    TAP,
    TEMPO,
)
from server.controls.control import Control

TEMPO_ROWS = (
    Control(
        name="tempo",
        address=TEMPO,
        types="f",
        minimum=SLOWEST_BPM,
        maximum=FASTEST_BPM,
        also=(AS_RECORDED,),
        unit="bpm",
        default=AS_RECORDED,
        description="Tempo of decks whose own tempo is known, before /speed. 0 is as recorded: "
        "each deck's own tempo, and interpolated between decks",
    ),
    Control(
        name="tap tempo",
        address=TAP,
        types="",
        command=events.Tap,
        description="Tap a beat. From the second tap on, /tempo is the median of the last taps; "
        "a pause of two seconds starts over",
    ),
    Control(
        name="clock",
        address=CLOCK,
        types="s",
        choices=CLOCKS,
        minimum=0.0,
        maximum=len(CLOCKS) - 1.0,
        midi=True,
        in_presets=False,
        description="Source of tempo and beat: internal (/tempo and taps), MIDI clock (with its "
        "start, continue, stop and song position), or Ableton Link if the extra link is installed",
    ),
    Control(
        name="nudge",
        address=NUDGE,
        types="f",
        minimum=-MOST_NUDGE,
        maximum=MOST_NUDGE,
        unit="%",
        midi=True,
        in_presets=False,
        description="Push the playhead faster or slower for the moment, like a record. The clock "
        "that is followed moves it too",
    ),
    Control(
        name="beat",
        address=BEAT,
        types="f",
        minimum=0.0,
        maximum=MOST_BEATS,
        unit="beats",
        in_presets=False,
        description="Jump to a beat, counted from the start of each deck's loop and around it. "
        "The clock that is followed moves it too",
    ),
)
