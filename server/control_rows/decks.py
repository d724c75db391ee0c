"""What lies on the four decks."""

from __future__ import annotations

from server import events
from server.addresses import BYPASS, DECKS
from server.control import Control

DECK_ROWS = (
    Control(
        name="load deck",
        address="/deck/{}/load",
        types="s",
        members=DECKS,
        command=events.LoadDeck,
        description="a library deck by name, or an audio file under the media folder; "
        "answers /done or /fail when it is there",
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
