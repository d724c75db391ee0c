"""The desk of one model's controls as the desk of another's: what it can keep, it keeps.

By name first: an offset of a dimension that has the same name in the other model goes there,
whatever its number. Then by address; what the other model does not have is gone, and what it has
anew begins as it is by itself. A recorded motion is forgotten, for it speaks of the old controls.
"""

from __future__ import annotations

from collections.abc import Container, Mapping

from server.controls.addresses import MOTION
from server.controls.control import ControlTable
from server.controls.desk import Snapshot

_NAMED = "/named/"


def carried(state: Snapshot, table: ControlTable, model: str) -> Snapshot:
    """``state`` on the controls of ``table``, those of ``model``; it neither jumps nor panics."""
    values, times = list(table.defaults), list(table.smoothing_s)
    had = {name: address for address, name in kept_names(state.table).items()}
    for address, name in kept_names(table).items():
        source = found(address, name, had)
        if source is None or address.startswith(MOTION):
            continue
        slots = zip(table.slots[address], state.table.slots[had[source]], strict=False)
        for slot, before in slots:
            values[slot] = state.values[before]
            times[slot] = state.smoothing_s[before]
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
    """Under which name each value is known to other models, by its address.

    An offset that has a name goes by that, all else by its address.
    """
    named = {
        control.moves[0]: control.address
        for control in table.controls.values()
        if control.address.startswith(_NAMED)
    }
    own = [control.address for control in table.values]
    return {address: named.get(address, address) for address in own}


def found(address: str, name: str, had: Container[str]) -> str | None:
    """Under which of the names that there were (``had``) is what now has ``name``.

    What has no name, or one that was not there, is what had its number and no name.
    """
    return next((one for one in (name, address) if one in had), None)
