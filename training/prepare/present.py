"""Finds the jobs whose recordings a store has already."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace

from training.datasets.listing import LeftOut
from training.prepare.convert import digest_of
from training.prepare.sources import Job
from training.prepare.tally import Tally
from training.store.index import StoredRecording
from training.store.writer import StoreWriter


def missing_jobs(jobs: Iterable[Job], writer: StoreWriter, tally: Tally) -> Iterator[Job]:
    """Yield the jobs that the store lacks; update labels and pairing of the other recordings."""
    same_file: dict[object, list[StoredRecording]] = defaultdict(list)
    for recording in writer.recordings:
        same_file[_file_name_and_size(recording)].append(recording)
    for job in jobs:
        present = writer.find(job.recording.name)
        present = present or _renamed(job, same_file.get(_file_name_and_size(job.recording), []))
        if present is None:
            yield job
        elif present.source_bytes != job.recording.source_bytes:
            why = "another file of this name is in the store"
            tally.skip(LeftOut(job.recording.name, "changed", why))
        else:
            tally.present += 1
            writer.update(_updated(present, job.recording))


def _file_name_and_size(recording: StoredRecording) -> object:
    """The same for one file, whichever of its parent folders was given."""
    return recording.name.rpartition("/")[2], recording.source_bytes


def _renamed(job: Job, candidates: Iterable[StoredRecording]) -> StoredRecording | None:
    """The candidate that is the job's file under a name that starts from another folder."""
    name = job.recording.name
    nested = [one for one in candidates if one.source_digest and _is_nested(one.name, name)]
    try:
        digest = digest_of(job.path) if nested else ""
    except OSError:
        return None  # converting it reports the error
    return next((one for one in nested if one.source_digest == digest), None)


def _is_nested(one: str, other: str) -> bool:
    return one.endswith(f"/{other}") or other.endswith(f"/{one}")


def _updated(present: StoredRecording, now: StoredRecording) -> StoredRecording:
    """``present`` with the labels, group and pairing that are known now; never held in again."""
    if now.split == "heldout":
        present = replace(present, split="heldout")
    return replace(
        present,
        labels=now.labels or present.labels,
        group=now.group or present.group,
        midi=now.midi or present.midi,
        score=now.score or present.score,
        instrument=now.instrument or present.instrument,
    )
