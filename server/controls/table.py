"""The table of controls: everything a performer can set or ask for, each in one place.

OSC messages (``server.osc.mapping``), MIDI mappings, the desk's values (``server.controls.desk``),
``--list-controls`` and ``docs/controls.md`` (``server.controls.lists``) are derived from it. To add
a control, add a row in ``server.controls.rows``.

A row may describe a family: ``{}`` in its address is filled from ``members``. A row is one of

    value      a number (or several) that the desk holds       /level, /latent/3
    shortcut   moves the values named in ``moves``             /interp, /latent
    command    makes an event, holds no value                  /play, /deck/a/load

The values of all controls form one flat vector; ``ControlTable.slots`` gives the places of each,
and the engine glides the whole vector at once.
"""

from __future__ import annotations

from collections.abc import Sequence

from export.bundle.format import Bundle
from server.controls.control import ControlError, ControlTable
from server.controls.rows import (
    decks,
    detail,
    generation,
    interpolation,
    midi,
    models,
    output,
    playing,
    presets,
    recording,
    scores,
    service,
    structure,
    style,
    tempo,
)

MAX_STYLE_DIMS = 1024
"""More than any bundle has; a broken bundle must not build a huge table."""


def controls_of(bundle: Bundle) -> ControlTable:
    """Return the controls of a bundle."""
    manifest = bundle.manifest
    return control_table(manifest.style_dims, bundle.names, manifest.band_edges_hz)


def control_table(
    style_dims: int, names: Sequence[str | None] = (), band_edges_hz: Sequence[float] = ()
) -> ControlTable:
    """Return the controls of a model with ``style_dims`` (D) style dimensions.

    ``names`` are slugs of the first dimensions, None for a dimension without one;
    ``band_edges_hz`` bound the bands of its structure.

    Raises:
        ControlError: D is not in 1..1024, or two dimensions have the same name.
    """
    if not 1 <= style_dims <= MAX_STYLE_DIMS:
        raise ControlError(f"{style_dims} style dimensions; allowed are 1 to {MAX_STYLE_DIMS}")
    return ControlTable(
        (
            *interpolation.INTERPOLATION,
            *detail.DETAIL_ROWS,
            *style.style_offsets(style_dims),
            *style.named_offsets(names),
            *style.gestures(style_dims),
            *structure.structure_gains(band_edges_hz),
            *style.WALK,
            *generation.GENERATION,
            *decks.DECK_ROWS,
            *playing.TRANSPORT,
            *playing.PLAYHEAD,
            *playing.NOTES,
            *tempo.TEMPO_ROWS,
            *playing.GLIDE,
            *playing.MOTION_RECORDER,
            *output.OUTPUT,
            *presets.PRESETS,
            *recording.RECORDING,
            *scores.SCORES,
            *models.MODELS,
            *midi.MIDI_MAPS,
            *service.SERVER,
        )
    )
