"""Offsets of the style dimensions, and what moves them."""

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
            description="style offsets, the most important dimension first; "
            "a shorter list sets the first ones",
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
            description="offset of one style dimension",
        ),
    )


def named_offsets(names: Sequence[str | None]) -> tuple[Control, ...]:
    """One family for all names there are; nothing where there are none."""
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
            description="the style dimension that was measured to do this, by name; more is more",
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
            description="one style dimension as far up as it goes",
        ),
        Control(
            name="flatten",
            address="/gesture/flatten",
            types="",
            command=events.Flatten,
            description="offsets that make the present style the mean of all that was trained on, "
            "as far as offsets reach",
        ),
        Control(
            name="randomise",
            address="/gesture/random",
            types="",
            command=events.Randomise,
            description="each offset anywhere within one trained spread, the same numbers in each "
            "session",
        ),
        Control(
            name="reset offsets",
            address="/gesture/reset",
            types="",
            command=events.ResetOffsets,
            description="all offsets to 0",
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
        description="depth of a slow random walk of style around its offsets: at 1 about one "
        "trained spread, two at most; the same way in each session",
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
        description="random places a second that each dimension walks to; nothing moves faster",
    ),
)
