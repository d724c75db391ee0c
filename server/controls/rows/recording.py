"""What is heard, recorded."""

from __future__ import annotations

from server.controls import events
from server.controls.control import Control

RECORDING = (
    Control(
        name="start recording",
        address="/record/start",
        types="s",
        command=events.StartRecording,
        description="records what is heard from now on as NAME in the media folder: NAME.flac in "
        "24 bits, else NAME.wav in 32-bit float, exactly what the output gets; answers /done, or "
        "/fail where the name is taken",
    ),
    Control(
        name="stop recording",
        address="/record/stop",
        types="",
        command=events.StopRecording,
        description="ends the recording; answers /done with the names of its files (another "
        "output begins another file) when they are written",
    ),
    Control(
        name="recording",
        address="/record",
        types="",
        command=events.AskRecording,
        description="answers 1 while something is recorded, else 0, the file's name and how many "
        "seconds; those of /notify are told of start, stop and, with /fail, of an early end",
    ),
)
