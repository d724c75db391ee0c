"""Loading the four decks, and how each is played."""

from __future__ import annotations

from export.audio.model_input import SHORTEST_S
from server.controls import events
from server.controls.addresses import BYPASS, DECKS, LARGEST_GAIN_DB, LONGEST_CAPTURE_S
from server.controls.control import Control

DECK_ROWS = (
    Control(
        name="load deck",
        address="/deck/{}/load",
        types="s",
        members=DECKS,
        command=events.LoadDeck,
        description="Load a library deck by name, or an audio file from the media folder. Its "
        "recording is heard at once, if the bundle can add detail. Sends /deck/{a..d}/progress "
        "0..1 on the way, then /done or /fail",
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
        name="progress",
        address="/deck/{}/progress",
        types="",
        members=DECKS,
        command=events.AskProgress,
        description="Ask how far the deck is encoded: replies /deck/{a..d}/progress 0..1, 1 when "
        "it is done or a library deck, 0 for an empty deck",
    ),
    Control(
        name="hear deck",
        address="/deck/{}/hear",
        types="sf",
        minimum=-LARGEST_GAIN_DB,
        maximum=LARGEST_GAIN_DB,
        members=DECKS,
        command=events.HearDeck,
        description="Only in recorded scores: plays the recording of what is being loaded, with "
        "this gain in dB, until it is encoded. /deck/{a..d}/load does it by itself",
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
