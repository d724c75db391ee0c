"""A preset of the desk, and the events that set a desk to a preset. Pure.

Values go by names that other models know too, as when the model is changed
(``server.controls.carry``): names that this model lacks are reported, and its controls that the
preset lacks stay as they are.
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
    """The changes that set a desk to a preset; ``unknown`` are names that this model lacks."""

    values: tuple[SetControl, ...]
    glides: tuple[SetGlide, ...]
    unknown: tuple[str, ...]


def preset_of(state: Snapshot, name: str, bundle: str, program: int | None = None) -> Preset:
    """Return the values and glides of ``state`` as the preset ``name``."""
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
    """Return the changes that set a desk of ``table`` to ``preset``.

    Raises:
        PresetError: a value that its control does not accept.
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
    """Return the events that bring ``state`` to ``settings`` within ``seconds``.

    Values that cannot morph change at once. The morph, even an empty one, ends the previous one.
    """
    targets = {one.address: one.values for one in settings if seconds and _can_morph(one, state)}
    at_once = (one for one in settings if one.address not in targets)
    return (*at_once, Morph(targets, seconds))


def _can_morph(setting: SetControl, state: Snapshot) -> bool:
    """Return whether all values on the way are valid: not for a switch, nor for ``/tempo 0``."""
    control = state.table.controls[setting.address]
    ends = (*state.vector(setting.address), *setting.values)
    low, high = control.minimum, control.maximum
    if control.types != "f" or low is None or high is None:
        return False
    return all(low <= end <= high for end in ends)


def _events(
    saved: Mapping[str, Argument], table: ControlTable, controls: tuple[Control, ...], through: str
) -> Iterator[Event]:
    """Yield the events of OSC messages with the ``saved`` values to their controls.

    With ``through``, such as ``/glide``, they go to that address instead.
    """
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
    """Yield the names that no control has; a missing offset of 0 makes no difference."""
    names = kept_names(table)
    used = {
        find_source(control.address, names[control.address], preset.values)
        for control in table.in_presets
    }
    return (name for name, value in preset.values.items() if name not in used and value != 0)
