"""Loading the four decks, and how each is played."""

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
        description="Load a library deck by name, or an audio file from the media folder. Sends "
        "/deck/{a..d}/progress 0..1 on the way, then /done or /fail",
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
        description="Load the last seconds of live input (--input), encoded as a file is. "
        "Replies as /deck/{a..d}/load does",
    ),
    Control(
        name="cancel load",
        address="/deck/{}/cancel",
        types="",
        members=DECKS,
        command=events.CancelDeck,
        description="Cancel the running or waiting load or capture, which then replies /fail "
        "cancelled; the deck keeps its music. Replies /done with 1, or 0 if there was nothing to "
        "cancel",
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
        description="Style of the deck: the mean of the whole recording, or the style at the "
        "playhead",
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
        description="1 plays the deck's recording instead of the decoded sound, at the playhead "
        "and wherever /interp is, to compare. /fail if there is none: some library decks",
    ),
)
