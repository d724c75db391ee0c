"""How fast music goes, and who says so."""

from __future__ import annotations

from server.addresses import TEMPO
from server.control import Control
from server.pace import AS_RECORDED, FASTEST_BPM, SLOWEST_BPM

TEMPO_ROWS = (
    Control(
        name="tempo",
        address=TEMPO,
        types="f",
        minimum=SLOWEST_BPM,
        maximum=FASTEST_BPM,
        also=(AS_RECORDED,),
        unit="bpm",
        default=AS_RECORDED,
        description="tempo of decks whose own is known, before /speed; 0 is as recorded: each "
        "deck's own, and between decks between them",
    ),
)
