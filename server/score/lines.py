"""The difference between two states of the desk as lines of a score.

Lines hold the values of the state, not the messages that set them: ``/interp`` becomes
``/interp/style`` and ``/interp/structure``, a gesture its offsets, and a motion loop plain values,
so that nothing is done twice on playback. The motion recorder's own switches are left out.
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

_AFTER_SLICE = ("/loop/start", "/loop/end", POSITION)
"""Values that a slice also sets; written after it if they differ."""


def changes_to_begin(state: Snapshot, position: float | None) -> list[Change]:
    """Return the changes from the initial desk to ``state``, and to ``position`` if not None."""
    table = state.table
    initial = Snapshot(table, table.defaults, table.smoothing_s, playing=True, panics=state.panics)
    if not state.note.is_held:
        initial = replace(initial, note=state.note)
    model: list[Change] = [("/model/load", (state.model,))] if state.model else []
    if position is None:
        return [*model, *changes_between(initial, state)]
    initial = replace(initial, jumps=state.jumps, beat_jumps=state.beat_jumps)
    changes = [change for change in changes_between(initial, state) if change[0] != POSITION]
    return [*model, *changes, (POSITION, (position,))]


def changes_between(previous: Snapshot, current: Snapshot) -> Iterator[Change]:
    """Yield the changes from ``previous`` to ``current``, all at one time."""
    if current.table is not previous.table:
        yield "/model/load", (current.model,)
        previous = carried(previous, current.table, current.model)
    panicked = current.panics != previous.panics
    if panicked:
        yield "/panic", ()
    if current.playing != (previous.playing and not panicked):
        yield "/play" if current.playing else "/stop", ()
    yield from _notes(previous, current)
    yield from _glides(previous, current)
    changed = [
        control for control in _recorded(current) if moved(control.address, previous, current)
    ]
    if any(control.address == SLICE for control in changed):
        rest = [control for control in _recorded(current) if control.address != SLICE]
        changed = [control for control in rest if _follows(control, previous, current)]
        changed.insert(0, current.table.controls[SLICE])
    for control in changed:
        yield control.address, _arguments(control, current)


def line_of(time_s: float, change: Change) -> str:
    """Return one line of a score."""
    address, arguments = change
    return json.dumps({"t": round(time_s, 6), "address": address, "args": list(arguments)}) + "\n"


def _recorded(state: Snapshot) -> Iterator[Control]:
    """The values that are recorded, in the table's order."""
    for control in state.table.values:
        if not control.address.startswith(MOTION):
            yield control


def _notes(previous: Snapshot, current: Snapshot) -> Iterator[Change]:
    is_new = current.note.number != previous.note.number
    if is_new:
        yield "/note", (current.note.key, current.note.velocity)
    if not current.note.is_held and (is_new or previous.note.is_held):
        yield "/note", (current.note.key, 0)


def _glides(previous: Snapshot, current: Snapshot) -> Iterator[Change]:
    if previous.smoothing_s == current.smoothing_s:
        return
    for control in _recorded(current):
        slot = current.table.slots[control.address][0]
        if previous.smoothing_s[slot] != current.smoothing_s[slot]:
            yield "/glide", (control.address, current.smoothing_s[slot])


def _follows(control: Control, previous: Snapshot, current: Snapshot) -> bool:
    return control.address in _AFTER_SLICE or moved(control.address, previous, current)


def _arguments(control: Control, state: Snapshot) -> tuple[Argument, ...]:
    return tuple(shown_value(control, value) for value in state.vector(control.address))


def head_line(bundle: Bundle, block_frames: int) -> str:
    """Return the first line of a recording."""
    header = {
        "score": VERSION,
        "bundle": bundle.manifest.name,
        "digest": digest_of(bundle),
        "block_frames": block_frames,
    }
    return json.dumps(header) + "\n"


def digest_of(bundle: Bundle) -> str:
    """Return a digest that identifies the sound of ``bundle``: sha256 of its graphs and axes."""
    digest = hashlib.sha256()
    graphs = (bundle.encoder_onnx, bundle.decoder_onnx, bundle.prior_onnx or b"")
    latents = (bundle.latents.mean, bundle.latents.rotation, bundle.latents.spread)
    for part in (*graphs, *(array.tobytes() for array in latents)):
        digest.update(part)
    return digest.hexdigest()


def end_line(time_s: float) -> str:
    """Return the last line of a recording."""
    return json.dumps({"t": round(time_s, 6), "end": True}) + "\n"


def lines_of(time_s: float, changes: Sequence[Change]) -> str:
    """Return the lines of changes at one time."""
    return "".join(line_of(time_s, change) for change in changes)
