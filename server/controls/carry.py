"""The desk of one model's controls as the desk of another's: what it can keep, it keeps.

By name first: an offset of a dimension that has the same name in the other model goes there,
whatever its number. Then by address; what the other model does not have is gone, and what it has
anew begins as it is by itself. A recorded motion is forgotten, for it speaks of the old controls.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from server.controls.addresses import LATENT, MOTION
from server.controls.control import Control, ControlTable
from server.controls.desk import Snapshot

_NAMED = "/named/"


def carried(state: Snapshot, table: ControlTable, model: str) -> Snapshot:
    """``state`` on the controls of ``table``, those of ``model``; it neither jumps nor panics."""
    values, times = list(table.defaults), list(table.smoothing_s)
    for control, source in _pairs(state.table, table):
        slots = zip(table.slots[control.address], state.table.slots[source], strict=False)
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
    )


def _pairs(before: ControlTable, now: ControlTable) -> Iterator[tuple[Control, str]]:
    """The values of ``now``, each with the address that it had in ``before``, if it was there."""
    had, has = _named(before), _named(now)
    named = {address: had[name] for name, address in has.items() if name in had}
    for control in now.values:
        source = named.get(control.address, control.address)
        is_anothers = control.address not in named and _is_named(control.address, before)
        if control.address.startswith(MOTION) or source not in before.slots or is_anothers:
            continue
        yield control, source


def _named(table: ControlTable) -> Mapping[str, str]:
    """Which offset each name moves."""
    return {
        control.member: control.moves[0]
        for control in table.controls.values()
        if control.address.startswith(_NAMED) and control.member
    }


def _is_named(address: str, table: ControlTable) -> bool:
    """Whether the offset there has a name, so that it is another thing than its number says."""
    return address.startswith(f"{LATENT}/") and address in _named(table).values()
