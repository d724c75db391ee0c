"""Style offsets, gestures and the random walk."""

from __future__ import annotations

from collections.abc import Sequence

from server.controls import events
from server.controls.control import Control


def style_offsets(style_dims: int) -> tuple[Control, ...]:
    members = tuple(str(index) for index in range(style_dims))
    return (
        Control(
            name="latents",
            address="/latent",
            types="f" * style_dims,
            minimum=-3.0,
            maximum=3.0,
            unit="spreads",
            moves=tuple(f"/latent/{member}" for member in members),
            description="Style offsets, the most important dimension first. A shorter list sets "
            "only the first ones",
        ),
        Control(
            name="latent",
            address="/latent/{}",
            types="f",
            minimum=-3.0,
            maximum=3.0,
            unit="spreads",
            smoothing_s=0.02,
            midi=True,
            midi_ccs=tuple(range(16, 32))[:style_dims],
            members=members,
            description="Offset of one style dimension",
        ),
    )


def named_offsets(names: Sequence[str | None]) -> tuple[Control, ...]:
    """Return one family for all names, or no row if no dimension has a name."""
    named = [(name, index) for index, name in enumerate(names) if name is not None]
    if not named:
        return ()
    return (
        Control(
            name="named",
            address="/named/{}",
            types="f",
            minimum=-3.0,
            maximum=3.0,
            unit="spreads",
            midi=True,
            members=tuple(name for name, _ in named),
            moves=tuple(f"/latent/{index}" for _, index in named),
            description="Offset of the style dimension measured to do what this name says; "
            "higher is more",
        ),
    )


def gestures(style_dims: int) -> tuple[Control, ...]:
    return (
        Control(
            name="max out",
            address="/gesture/max",
            types="i",
            minimum=0.0,
            maximum=style_dims - 1.0,
            command=events.MaxOut,
            description="Turn one style dimension up as far as it goes",
        ),
        Control(
            name="flatten",
            address="/gesture/flatten",
            types="",
            command=events.Flatten,
            description="Set the offsets that bring the current style to the mean of the "
            "training music, as far as offsets reach",
        ),
        Control(
            name="randomise",
            address="/gesture/random",
            types="",
            command=events.Randomise,
            description="Set each offset at random, at most one spread either way; every session "
            "draws the same numbers",
        ),
        Control(
            name="reset offsets",
            address="/gesture/reset",
            types="",
            command=events.ResetOffsets,
            description="Set all offsets to 0",
        ),
    )


WALK = (
    Control(
        name="walk",
        address="/walk",
        types="f",
        minimum=0.0,
        maximum=1.0,
        smoothing_s=0.02,
        midi=True,
        description="Depth of a slow random walk of style around its offsets: at 1 about one "
        "spread, never more than two. The walk is the same in every session",
    ),
    Control(
        name="walk rate",
        address="/walk/rate",
        types="f",
        minimum=0.01,
        maximum=10.0,
        unit="Hz",
        default=0.2,
        midi=True,
        description="Pace of the walk: random targets per second in each dimension; nothing "
        "moves faster",
    ),
)
