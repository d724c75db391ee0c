"""What clients ask of the server itself."""

from __future__ import annotations

from server.controls import events
from server.controls.control import Control

SERVER = (
    Control(
        name="status",
        address="/status",
        types="",
        command=events.StatusRequest,
        description="answers /status.reply: alternating names and values",
    ),
    Control(
        name="version",
        address="/version",
        types="",
        command=events.VersionRequest,
        description="answers /version.reply: program, major, minor, patch",
    ),
    Control(
        name="sync",
        address="/sync",
        types="i",
        command=events.SyncRequest,
        description="answers /synced with the same number once all before it has been taken in",
    ),
    Control(
        name="notify",
        address="/notify",
        types="i",
        minimum=0.0,
        maximum=1.0,
        command=events.Notify,
        description="1 tells the sender of every change that others make, 0 no more; answers "
        "/done /notify and a number; over UDP it ends five minutes after the last message",
    ),
    Control(
        name="dump",
        address="/dump",
        types="i",
        minimum=0.0,
        maximum=1.0,
        command=events.Dump,
        description="1 prints incoming messages, 0 no more; answers /done /dump",
    ),
    Control(
        name="wekinator outputs",
        address="/wek/outputs",
        types="f",
        repeats=True,
        command=events.WekinatorOutputs,
        description="outputs of Wekinator, 0..1 each: the first moves the first control of "
        "--wekinator through its range, and so on; those beyond 0..1 or the list are cut off",
    ),
    Control(
        name="quit",
        address="/quit",
        types="",
        command=events.Quit,
        description="answers /done /quit and ends the program",
    ),
)
