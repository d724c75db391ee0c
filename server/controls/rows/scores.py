"""Recording a performance as a score."""

from __future__ import annotations

from server.controls import events
from server.controls.control import Control

SCORES = (
    Control(
        name="record score",
        address="/score/record",
        types="s",
        command=events.RecordScore,
        description="Record all changes with their times from now on as NAME.jsonl in the media "
        "folder, for --score. Replies /done, or /fail if the name is taken",
    ),
    Control(
        name="stop score",
        address="/score/stop",
        types="",
        command=events.StopScore,
        description="Stop recording the score. Replies /done with its name once it is written",
    ),
)
