"""Carries a desk over to another model's controls, keeping what it can.

By name first: an offset of a dimension that has the same name in the other model goes there,
whatever its number. Then by address; controls that the other model lacks are dropped, and new ones
have their defaults. A recorded motion is cleared, because it refers to the old controls.
"""

from __future__ import annotations

from collections.abc import Container, Mapping

from server.controls.addresses import MOTION
from server.controls.control import ControlTable
from server.controls.desk import Snapshot

_NAMED = "/named/"


def carried(state: Snapshot, table: ControlTable, model: str) -> Snapshot:
    """Return ``state`` on the controls of ``table``, those of ``model``, with no new jumps."""
    values, times = list(table.defaults), list(table.smoothing_s)
    old_addresses = {name: address for address, name in kept_names(state.table).items()}
    for address, name in kept_names(table).items():
        source = find_source(address, name, old_addresses)
        if source is None or address.startswith(MOTION):
            continue
        slots = zip(table.slots[address], state.table.slots[old_addresses[source]], strict=False)
        for slot, old_slot in slots:
            values[slot] = state.values[old_slot]
            times[slot] = state.smoothing_s[old_slot]
    return Snapshot(
        table,
        tuple(values),
        tuple(times),
        playing=state.playing,
        motion_clears=state.motion_clears + 1,
        changes=state.changes + 1,
        model=model,
        note=state.note,
    )


def kept_names(table: ControlTable) -> Mapping[str, str]:
    """Return the name by which other models know each value, by its address.

    A named offset goes by its name, all else by its address.
    """
    named = {
        control.moves[0]: control.address
        for control in table.controls.values()
        if control.address.startswith(_NAMED)
    }
    own = [control.address for control in table.values]
    return {address: named.get(address, address) for address in own}


def find_source(address: str, name: str, old_addresses: Container[str]) -> str | None:
    """Return which of the ``old_addresses``' names is the source of the value that has ``name``.

    A value without a name, or with a new one, comes from the one with its number and no name.
    """
    return next((candidate for candidate in (name, address) if candidate in old_addresses), None)
