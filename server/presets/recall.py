"""Presets of a desk, and what sets a desk to a preset. Pure: nothing is read, moved or told.

Values go by the names that other models know them by, as a desk does that changes models
(``server.controls.carry``): what this model has nothing for is told, and what it has beyond them
is left as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from server.controls.addresses import JUMPS
from server.controls.carry import find_source, kept_names
from server.controls.control import Control, ControlTable
from server.controls.desk import Snapshot, glide_s, shown_value
from server.controls.events import Event, Morph, SetControl, SetGlide
from server.controls.replies import Argument
from server.osc.mapping import MappingError, events_of_message
from server.osc.packet import OscMessage
from server.presets.preset import Preset, PresetError


@dataclass(frozen=True)
class Recall:
    """What sets a desk to a preset: changes of ``values`` and ``glides``; ``unknown`` are names
    that this model has nothing for."""

    values: tuple[SetControl, ...]
    glides: tuple[SetGlide, ...]
    unknown: tuple[str, ...]


def preset_of(state: Snapshot, name: str, bundle: str, program: int | None = None) -> Preset:
    """What is set, as the preset ``name``."""
    names = kept_names(state.table)
    values = {
        names[control.address]: shown_value(control, state.value(control.address))
        for control in state.table.in_presets
    }
    glides = {
        names[control.address]: glide_s(state, control.address) for control in _gliding(state.table)
    }
    return Preset(name, bundle, values, glides, program)


def recall(preset: Preset, table: ControlTable) -> Recall:
    """What sets a desk of ``table`` to ``preset``.

    Raises:
        PresetError: a value that its control does not take.
    """
    try:
        values = tuple(_events(preset.values, table, table.in_presets, ""))
        glides = tuple(_events(preset.glides, table, tuple(_gliding(table)), "/glide"))
    except MappingError as error:
        raise PresetError(f"preset '{preset.name}': {error}") from error
    return Recall(
        tuple(event for event in values if isinstance(event, SetControl)),
        tuple(event for event in glides if isinstance(event, SetGlide)),
        tuple(_unknown(preset, table)),
    )


def changes(
    settings: Sequence[SetControl], state: Snapshot, seconds: float
) -> tuple[SetControl | Morph, ...]:
    """What makes ``settings`` of ``state`` in ``seconds``: at once what cannot slide, and a morph,
    which also ends the one before."""
    targets = {one.address: one.values for one in settings if seconds and _slides(one, state)}
    at_once = (one for one in settings if one.address not in targets)
    return (*at_once, Morph(targets, seconds))


def _slides(setting: SetControl, state: Snapshot) -> bool:
    """Whether a value can take all that lies between; a switch cannot, nor what is beyond its
    range, as ``/tempo 0`` is."""
    control = state.table.controls[setting.address]
    ends = (*state.vector(setting.address), *setting.values)
    low, high = control.minimum, control.maximum
    if control.types != "f" or low is None or high is None:
        return False
    return all(low <= end <= high for end in ends)


def _events(
    saved: Mapping[str, Argument], table: ControlTable, controls: tuple[Control, ...], through: str
) -> Iterator[Event]:
    """``saved`` as messages to their controls, or to ``through``, would have it."""
    names = kept_names(table)
    for control in controls:
        address = control.address
        source = find_source(address, names[address], saved)
        if source is not None:
            arguments = (address, saved[source]) if through else (saved[source],)
            yield from events_of_message(table, OscMessage(through or address, arguments))


def _gliding(table: ControlTable) -> Iterator[Control]:
    return (control for control in table.in_presets if control.address not in JUMPS)


def _unknown(preset: Preset, table: ControlTable) -> Iterator[str]:
    """Names that there is nothing for; an offset of 0 is nothing."""
    names = kept_names(table)
    used = {
        find_source(control.address, names[control.address], preset.values)
        for control in table.in_presets
    }
    return (name for name, value in preset.values.items() if name not in used and value != 0)
