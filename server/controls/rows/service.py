"""Requests about the server itself."""

from __future__ import annotations

from server.controls import events
from server.controls.control import Control

SERVER = (
    Control(
        name="status",
        address="/status",
        types="",
        command=events.StatusRequest,
        description="Replies /status.reply with alternating names and values",
    ),
    Control(
        name="version",
        address="/version",
        types="",
        command=events.VersionRequest,
        description="Replies /version.reply with program, major, minor, patch",
    ),
    Control(
        name="sync",
        address="/sync",
        types="i",
        command=events.SyncRequest,
        description="Replies /synced with the same number once everything sent before it has "
        "been taken in",
    ),
    Control(
        name="notify",
        address="/notify",
        types="i",
        minimum=0.0,
        maximum=1.0,
        command=events.Notify,
        description="1 sends you every change that others make, 0 stops that. Replies /done "
        "/notify and a number. Over UDP it ends five minutes after your last message",
    ),
    Control(
        name="dump",
        address="/dump",
        types="i",
        minimum=0.0,
        maximum=1.0,
        command=events.Dump,
        description="1 prints incoming messages, 0 stops that. Replies /done /dump",
    ),
    Control(
        name="wekinator outputs",
        address="/wek/outputs",
        types="f",
        repeats=True,
        command=events.WekinatorOutputs,
        description="Wekinator's outputs, 0..1 each: the first moves the first control of "
        "--wekinator through its range, and so on. Values outside 0..1 are clipped, outputs "
        "beyond the list ignored",
    ),
    Control(
        name="quit",
        address="/quit",
        types="",
        command=events.Quit,
        description="Replies /done /quit and ends the program",
    ),
)
