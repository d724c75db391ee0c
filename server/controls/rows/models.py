"""Changing the model while playing."""

from __future__ import annotations

from server.controls import events
from server.controls.control import Control

MODELS = (
    Control(
        name="load model",
        address="/model/load",
        types="s",
        command=events.LoadModel,
        description="Crossfade to another bundle from the media folder, or to default, the "
        "built-in one, once it is ready. Replies /done; or /fail, and nothing changes",
    ),
)
