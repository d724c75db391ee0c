"""What is played, recorded as a score."""

from __future__ import annotations

from server.controls import events
from server.controls.control import Control

SCORES = (
    Control(
        name="record score",
        address="/score/record",
        types="s",
        command=events.RecordScore,
        description="records all changes with their times from now on as NAME.jsonl in the media "
        "folder, for --score; answers /done, or /fail where the name is taken",
    ),
    Control(
        name="stop score",
        address="/score/stop",
        types="",
        command=events.StopScore,
        description="ends the recording of a score; answers /done with its name when it is written",
    ),
)
