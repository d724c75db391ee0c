"""The position between the decks."""

from __future__ import annotations

from server.controls.addresses import ALIGN
from server.controls.control import Control

INTERPOLATION = (
    Control(
        name="interp",
        address="/interp",
        types="f",
        minimum=0.0,
        maximum=1.0,
        midi=True,
        midi_ccs=(1,),
        moves=("/interp/style", "/interp/structure"),
        resets=("/interp/y",),
        description="Position between deck A (0) and deck B (1), style and structure together; "
        "the same as /interp/xy with y at 0. A query returns the style position",
    ),
    Control(
        name="interp xy",
        address="/interp/xy",
        types="ff",
        minimum=0.0,
        maximum=1.0,
        takes_all=True,
        moves=("/interp/style", "/interp/structure", "/interp/y"),
        sources=(0, 0, 1),
        description="Position between four decks, bilinear: A at 0 0, B at 1 0, C at 0 1, D at 1 "
        "1. An empty deck sounds like its neighbour: the one beside it, else above or below, "
        "else across. A query returns the style position",
    ),
    Control(
        name="interp style",
        address="/interp/style",
        types="f",
        minimum=0.0,
        maximum=1.0,
        smoothing_s=0.02,
        midi=True,
        description="Style position (timbre, instrumentation, texture), from decks A and C (0) "
        "to B and D (1); y stays",
    ),
    Control(
        name="interp structure",
        address="/interp/structure",
        types="f",
        minimum=0.0,
        maximum=1.0,
        smoothing_s=0.02,
        midi=True,
        description="Structure position (rhythm, notes, phrasing), from decks A and C (0) to B "
        "and D (1); y stays",
    ),
    Control(
        name="interp y",
        address="/interp/y",
        types="f",
        minimum=0.0,
        maximum=1.0,
        smoothing_s=0.02,
        midi=True,
        description="Position from decks A and B (0) to C and D (1), style and structure "
        "together; x stays",
    ),
    Control(
        name="interp curve",
        address="/interp/curve",
        types="s",
        choices=("linear", "spherical"),
        minimum=0.0,
        maximum=1.0,
        smoothing_s=0.05,
        midi=True,
        description="Path between styles: a straight line, or an arc that keeps its distance "
        "from the trained mean. Structure always takes the line",
    ),
    Control(
        name="interp align",
        address=ALIGN,
        types="i",
        minimum=0.0,
        maximum=1.0,
        default=1.0,
        midi=True,
        description="1 reads decks of known tempo beat on beat, in loops of whole beats. 0 reads "
        "all decks at one pace, as it always does those without a tempo",
    ),
)
