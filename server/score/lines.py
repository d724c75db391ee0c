"""What lies between two states of the desk, as the lines of a score that make it again.

The values of which a state consists, not what the hands sent: ``/interp`` becomes ``/interp/style``
and ``/interp/structure``, a gesture its offsets, and what the motion recorder plays plain values,
so that nothing is done twice when it is played. The motion recorder's own switches are left out.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace

from export.bundle.format import Bundle
from server.controls.addresses import MOTION, POSITION, SLICE
from server.controls.carry import carried
from server.controls.control import Control
from server.controls.desk import Snapshot, moved, shown_value
from server.controls.replies import Argument
from server.score.score_file import VERSION

Change = tuple[str, tuple[Argument, ...]]
"""An address and its arguments."""

_BEHIND_SLICE = ("/loop/start", "/loop/end", POSITION)
"""What a slice moves, said once more behind it."""


def changes_to_begin(state: Snapshot, position: float | None) -> list[Change]:
    """From the untouched desk to ``state``; with the playhead at ``position``, if it has moved."""
    table = state.table
    begun = Snapshot(table, table.defaults, table.smoothing_s, playing=True, panics=state.panics)
    if not state.note.is_held:
        begun = replace(begun, note=state.note)
    loaded: list[Change] = [("/model/load", (state.model,))] if state.model else []
    if position is None:
        return [*loaded, *changes_between(begun, state)]
    begun = replace(begun, jumps=state.jumps, beat_jumps=state.beat_jumps)
    kept = [one for one in changes_between(begun, state) if one[0] != POSITION]
    return [*loaded, *kept, (POSITION, (position,))]


def changes_between(before: Snapshot, now: Snapshot) -> Iterator[Change]:
    """What makes ``now`` of ``before``, all of it at one time."""
    if now.table is not before.table:
        yield "/model/load", (now.model,)
        before = carried(before, now.table, now.model)
    panicked = now.panics != before.panics
    if panicked:
        yield "/panic", ()
    if now.playing != (before.playing and not panicked):
        yield "/play" if now.playing else "/stop", ()
    yield from _notes(before, now)
    yield from _glides(before, now)
    changed = [control for control in _recorded(now) if moved(control.address, before, now)]
    if any(control.address == SLICE for control in changed):
        behind = [one for one in _recorded(now) if one.address != SLICE]
        changed = [one for one in behind if _follows(one, before, now)]
        changed.insert(0, now.table.controls[SLICE])
    for control in changed:
        yield control.address, _arguments(control, now)


def line_of(time_s: float, change: Change) -> str:
    """One line of a score."""
    address, arguments = change
    return json.dumps({"t": round(time_s, 6), "address": address, "args": list(arguments)}) + "\n"


def _recorded(state: Snapshot) -> Iterator[Control]:
    """The values that are recorded, in the table's order."""
    for control in state.table.values:
        if not control.address.startswith(MOTION):
            yield control


def _notes(before: Snapshot, now: Snapshot) -> Iterator[Change]:
    is_new = now.note.number != before.note.number
    if is_new:
        yield "/note", (now.note.key, now.note.velocity)
    if not now.note.is_held and (is_new or before.note.is_held):
        yield "/note", (now.note.key, 0)


def _glides(before: Snapshot, now: Snapshot) -> Iterator[Change]:
    if before.smoothing_s == now.smoothing_s:
        return
    for control in _recorded(now):
        slot = now.table.slots[control.address][0]
        if before.smoothing_s[slot] != now.smoothing_s[slot]:
            yield "/glide", (control.address, now.smoothing_s[slot])


def _follows(control: Control, before: Snapshot, now: Snapshot) -> bool:
    return control.address in _BEHIND_SLICE or moved(control.address, before, now)


def _arguments(control: Control, state: Snapshot) -> tuple[Argument, ...]:
    return tuple(shown_value(control, value) for value in state.vector(control.address))


def head_line(bundle: Bundle, block_frames: int) -> str:
    """The first line of a recording."""
    head = {
        "score": VERSION,
        "bundle": bundle.manifest.name,
        "digest": digest_of(bundle),
        "block_frames": block_frames,
    }
    return json.dumps(head) + "\n"


def digest_of(bundle: Bundle) -> str:
    """What tells the sound of ``bundle`` from that of any other: sha256 of its graphs and axes."""
    digest = hashlib.sha256()
    graphs = (bundle.encoder_onnx, bundle.decoder_onnx, bundle.prior_onnx or b"")
    latents = (bundle.latents.mean, bundle.latents.rotation, bundle.latents.spread)
    for part in (*graphs, *(array.tobytes() for array in latents)):
        digest.update(part)
    return digest.hexdigest()


def end_line(time_s: float) -> str:
    """The last line of a recording."""
    return json.dumps({"t": round(time_s, 6), "end": True}) + "\n"


def lines_of(time_s: float, changes: Sequence[Change]) -> str:
    """Changes of one time."""
    return "".join(line_of(time_s, change) for change in changes)
