"""The split of a store: recordings that are held out of training, together with their kin."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from training.datasets.kinds import PLAIN
from training.prepare.settings import PrepareSettings
from training.prepare.sources import Job
from training.store.index import StoredRecording
from training.store.writer import StoreWriter


def hold_out_kin(jobs: Sequence[Job], writer: StoreWriter) -> tuple[Job, ...]:
    """Hold out what is kin to a held-out recording, both in the store and among the jobs."""
    known = (*writer.recordings, *(job.recording for job in jobs))
    held = kin_held_out(known)
    follow = {r.name for r in known if r.kin in held and r.split != "heldout"}
    for recording in writer.recordings:
        if recording.name in follow:
            writer.update(replace(recording, split="heldout"))
    if follow:
        print(f"held out {len(follow)} more: of one artist, recording or work with others that are")
    return hold_out(jobs, held)


def hold_out_share(jobs: Sequence[Job], writer: StoreWriter, settings: PrepareSettings) -> None:
    """Hold out ``--heldout-share`` of a plain folder, unless options or its pairs said which."""
    chosen = settings.heldout or any(job.recording.split == "heldout" for job in jobs)
    if settings.kind == PLAIN and settings.heldout_share and not chosen:
        stored = filter(None, (writer.find(job.recording.name) for job in jobs))
        for recording in draw_held_out(stored, settings.heldout_share):
            writer.update(replace(recording, split="heldout"))


def kin_held_out(recordings: Iterable[StoredRecording]) -> set[str]:
    """The groups and pieces with at least one held-out recording."""
    return {r.kin for r in recordings if r.kin is not None and r.split == "heldout"}


def hold_out(jobs: Iterable[Job], kin: set[str]) -> tuple[Job, ...]:
    """The jobs, with those of this ``kin`` held out."""
    return tuple(
        replace(job, recording=replace(job.recording, split="heldout"))
        if job.recording.kin in kin
        else job
        for job in jobs
    )


def draw_held_out(recordings: Iterable[StoredRecording], share: float) -> Iterator[StoredRecording]:
    """Draw a share of the recordings, at least one and never all, kin together.

    The order is that of the digests of names, so the same ones are drawn again whatever the order
    of the recordings.
    """
    units: dict[str, list[StoredRecording]] = defaultdict(list)
    for recording in recordings:
        units[recording.kin or recording.name].append(recording)
    by_digest = sorted(units, key=lambda unit: hashlib.blake2b(unit.encode()).digest())
    wanted = max(round(share * len(units)), 1)
    for unit in by_digest[:-1][:wanted]:
        yield from units[unit]
