"""Where between the decks the sound is."""

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
        description="position between deck A (0) and deck B (1), style and structure together; "
        "the same as /interp/xy with y 0; asked, it answers style's",
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
        description="position between four decks, bilinear: A 0 0, B 1 0, C 0 1, D 1 1; an empty "
        "deck is heard as the one beside it, else above or below, else across; asked, it "
        "answers style's",
    ),
    Control(
        name="interp style",
        address="/interp/style",
        types="f",
        minimum=0.0,
        maximum=1.0,
        smoothing_s=0.02,
        midi=True,
        description="position of what stays the same: timbre, instrumentation, texture; from A "
        "and C (0) to B and D (1), y stays",
    ),
    Control(
        name="interp structure",
        address="/interp/structure",
        types="f",
        minimum=0.0,
        maximum=1.0,
        smoothing_s=0.02,
        midi=True,
        description="position of what changes: rhythm, notes, phrasing; from A and C (0) to B and "
        "D (1), y stays",
    ),
    Control(
        name="interp y",
        address="/interp/y",
        types="f",
        minimum=0.0,
        maximum=1.0,
        smoothing_s=0.02,
        midi=True,
        description="position from decks A and B (0) to decks C and D (1), style and structure "
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
        description="way between styles: a straight line, or an arc that keeps its distance from "
        "the trained mean; structure always takes the line",
    ),
    Control(
        name="interp align",
        address=ALIGN,
        types="i",
        minimum=0.0,
        maximum=1.0,
        default=1.0,
        midi=True,
        description="1 reads decks whose tempo is known in beats, so that the beats of one meet "
        "those of the other, in loops of whole beats; 0, and decks without a tempo: all at one "
        "pace",
    ),
)
