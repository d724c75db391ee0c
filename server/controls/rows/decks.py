"""What lies on the four decks."""

from __future__ import annotations

from export.audio.model_input import SHORTEST_S
from server.controls import events
from server.controls.addresses import BYPASS, DECKS, LONGEST_CAPTURE_S
from server.controls.control import Control

DECK_ROWS = (
    Control(
        name="load deck",
        address="/deck/{}/load",
        types="s",
        members=DECKS,
        command=events.LoadDeck,
        description="a library deck by name, or an audio file under the media folder; "
        "answers /done or /fail when it is there, before that /deck/{}/progress 0..1",
    ),
    Control(
        name="capture deck",
        address="/deck/{}/capture",
        types="f",
        minimum=SHORTEST_S,
        maximum=LONGEST_CAPTURE_S,
        unit="s",
        members=DECKS,
        command=events.CaptureDeck,
        description="the last seconds of live input (--input), encoded as a file is; answers as "
        "/deck/{}/load does",
    ),
    Control(
        name="cancel load",
        address="/deck/{}/cancel",
        types="",
        members=DECKS,
        command=events.CancelDeck,
        description="stop the load or capture that goes on or waits, which answers /fail "
        "cancelled; the deck keeps what it has; answers /done and 1, or 0 where there was none",
    ),
    Control(
        name="deck style",
        address="/deck/{}/style",
        types="s",
        choices=("mean", "track"),
        minimum=0.0,
        maximum=1.0,
        smoothing_s=0.05,
        midi=True,
        members=DECKS,
        description="the deck's style: the mean of the whole, or as it changes at the playhead",
    ),
    Control(
        name="bypass",
        address=f"/deck/{{}}/{BYPASS}",
        types="i",
        minimum=0.0,
        maximum=1.0,
        smoothing_s=0.01,
        midi=True,
        members=DECKS,
        description="1 plays the deck's original recording instead of what is decoded, at the same "
        "place and wherever /interp is, to compare; /fail where there is none: library decks and "
        "files longer than 10 minutes",
    ),
)
