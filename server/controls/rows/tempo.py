"""How fast music goes, and who says so."""

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
        description="tempo of decks whose own is known, before /speed; 0 is as recorded: each "
        "deck's own, and between decks between them",
    ),
    Control(
        name="tap tempo",
        address=TAP,
        types="",
        command=events.Tap,
        description="a beat is now: from the second on, /tempo is the median of the last taps; two "
        "seconds of pause begin anew",
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
        description="who says tempo and beat: /tempo and taps, MIDI clock (its start, continue, "
        "stop and song position too), or Ableton Link, if the extra link is installed",
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
        description="how much faster the playhead goes for the moment, as one pushes a record; "
        "moved by the clock that is followed",
    ),
    Control(
        name="beat",
        address=BEAT,
        types="f",
        minimum=0.0,
        maximum=MOST_BEATS,
        unit="beats",
        in_presets=False,
        description="jump to a beat, counted from the start of each deck's loop and around it; "
        "moved by the clock that is followed",
    ),
)
