"""Recording the output to a file."""

from __future__ import annotations

from server.controls import events
from server.controls.control import Control

RECORDING = (
    Control(
        name="start recording",
        address="/record/start",
        types="s",
        command=events.StartRecording,
        description="Record the output from now on, exactly, as NAME in the media folder: "
        "NAME.flac in 24 bits, else NAME.wav in 32-bit float. Replies /done, or /fail if the "
        "name is taken",
    ),
    Control(
        name="stop recording",
        address="/record/stop",
        types="",
        command=events.StopRecording,
        description="Stop recording. Replies /done with the names of its files once they are "
        "written (changing the output starts another file)",
    ),
    Control(
        name="recording",
        address="/record",
        types="",
        command=events.QueryRecording,
        description="Replies 1 while recording, else 0, with the file's name and its length in "
        "seconds. Clients of /notify also get start, stop and, with /fail, an early end",
    ),
)
