"""Which model plays."""

from __future__ import annotations

from server.controls import events
from server.controls.control import Control

MODELS = (
    Control(
        name="load model",
        address="/model/load",
        types="s",
        command=events.LoadModel,
        description="another bundle under the media folder, or default, the one built in; made "
        "ready beside the music, then cross-faded; answers /done, or /fail and nothing changes",
    ),
)
