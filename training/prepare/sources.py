"""What ``training.prepare`` is to convert: the findings of the loaders, chosen and put in order."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path

from training.datasets.listing import Finding, LeftOut, ListedFile, SourceError
from training.store.index import StoredRecording


@dataclass(frozen=True)
class Job:
    """One file to convert; ``recording`` says everything but where it will lie."""

    path: Path
    recording: StoredRecording


@dataclass(frozen=True)
class PreparePlan:
    """The files to convert, and what the loaders left out."""

    jobs: tuple[Job, ...]
    left_out: tuple[LeftOut, ...]


def plan(
    findings: Iterable[Finding], exclude: Sequence[str], heldout: Sequence[str]
) -> PreparePlan:
    """Jobs in the order of the findings; ``exclude`` and ``heldout`` are globs of names.

    A file that is found twice, in a folder and in its parent, goes by the first of its names.

    Raises:
        SourceError: two files go by one name.
    """
    jobs: dict[str, Job] = {}
    names: dict[Path, str] = {}
    left_out: list[LeftOut] = []
    for finding in findings:
        made = finding if isinstance(finding, LeftOut) else _job(finding, heldout)
        if isinstance(made, LeftOut):
            left_out.append(made)
        elif not _matches(name := made.recording.name, exclude):
            first = names.setdefault(made.path.resolve(), name)
            if first == name:
                _require_one(made, jobs.setdefault(name, made))
            else:
                jobs[first] = _with_split_of(made, jobs[first])
                left_out.append(LeftOut(name, "repeat", f"the same file as {first}"))
    return PreparePlan(tuple(jobs.values()), tuple(left_out))


def kin_held_out(recordings: Iterable[StoredRecording]) -> set[str]:
    """The groups and scores that are held out with at least one recording."""
    return {r.kin for r in recordings if r.kin is not None and r.split == "heldout"}


def hold_out(jobs: Iterable[Job], kin: set[str]) -> tuple[Job, ...]:
    """The jobs, those of this ``kin`` held out: one held out takes the others with it."""
    return tuple(
        replace(job, recording=replace(job.recording, split="heldout"))
        if job.recording.kin in kin
        else job
        for job in jobs
    )


def draw_held_out(recordings: Iterable[StoredRecording], share: float) -> Iterator[StoredRecording]:
    """That share of the recordings, at least one, kin together and never all.

    Lots are the digests of names: whatever the order, the same ones are drawn again.
    """
    units: dict[str, list[StoredRecording]] = defaultdict(list)
    for recording in recordings:
        units[recording.kin or recording.name].append(recording)
    by_lot = sorted(units, key=lambda unit: hashlib.blake2b(unit.encode()).digest())
    wanted = max(round(share * len(units)), 1)
    for unit in by_lot[:-1][:wanted]:
        yield from units[unit]


def _job(entry: ListedFile, heldout: Sequence[str]) -> Job | LeftOut:
    try:
        size = entry.path.stat().st_size
    except OSError as error:
        return LeftOut(entry.name, "missing", f"it vanished ({error.strerror})")
    recording = StoredRecording(
        name=entry.name,
        offset=0,
        length=0,
        gain_db=0.0,
        split="heldout" if _matches(entry.name, heldout) else entry.split,
        score=entry.score,
        instrument=entry.instrument,
        source_bytes=size,
        labels=entry.labels,
        group=entry.group,
        midi=entry.midi,
    )
    return Job(entry.path, recording)


def _matches(name: str, globs: Sequence[str]) -> bool:
    """Whether the whole name, the path inside its folder or the file's own name matches."""
    forms = (name, name.partition("/")[2], name.rpartition("/")[2])
    return any(fnmatch(form, glob) for glob in globs for form in forms)


def _with_split_of(repeat: Job, job: Job) -> Job:
    """The job, held out if its file is so under its other name."""
    held_out = "heldout" in (repeat.recording.split, job.recording.split)
    split = "heldout" if held_out else "train"
    return replace(job, recording=replace(job.recording, split=split))


def _require_one(job: Job, first: Job) -> None:
    if job.path != first.path:
        raise SourceError(
            f"{first.path} and {job.path} both go by the name {job.recording.name}; "
            "rename one of the folders"
        )
