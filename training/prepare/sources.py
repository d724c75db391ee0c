"""The files to convert: found by a data set's loader, chosen by name, each one once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from functools import partial
from pathlib import Path

from training.datasets import gtzan
from training.datasets.kinds import LOADERS
from training.datasets.listing import Finding, LeftOut, ListedFile, SourceError
from training.prepare.settings import PrepareSettings
from training.store.index import StoredRecording


@dataclass(frozen=True)
class Job:
    """One file to convert; ``recording`` lacks only its place in the store."""

    path: Path
    recording: StoredRecording


@dataclass(frozen=True)
class PreparePlan:
    """The files to convert, and what the loaders left out."""

    jobs: tuple[Job, ...]
    left_out: tuple[LeftOut, ...]


def plan_sources(settings: PrepareSettings) -> PreparePlan:
    """Find the files in the folders of the command line.

    Raises:
        SourceError: no folder of music, not this data set, or two files of one name.
    """
    load = LOADERS[settings.kind]
    if settings.split_lists:
        load = partial(gtzan.find, split_lists=settings.split_lists)
    findings = (finding for source in settings.sources for finding in load(source))
    return plan(findings, settings.exclude, settings.heldout)


def plan(
    findings: Iterable[Finding], exclude: Sequence[str], heldout: Sequence[str]
) -> PreparePlan:
    """Turn findings into jobs in the same order; ``exclude`` and ``heldout`` are globs of names.

    A file that is found twice, in a folder and in its parent, keeps the first of its names.

    Raises:
        SourceError: two files have one name.
    """
    jobs: dict[str, Job] = {}
    names: dict[Path, str] = {}
    left_out: list[LeftOut] = []
    for finding in findings:
        job = finding if isinstance(finding, LeftOut) else _job(finding, heldout)
        if isinstance(job, LeftOut):
            left_out.append(job)
        elif not _matches(name := job.recording.name, exclude):
            first = names.setdefault(job.path.resolve(), name)
            if first == name:
                _require_same_path(job, jobs.setdefault(name, job))
            else:
                jobs[first] = _with_split_of(job, jobs[first])
                left_out.append(LeftOut(name, "repeat", f"the same file as {first}"))
    return PreparePlan(tuple(jobs.values()), tuple(left_out))


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
    """Match the whole name, the path inside its folder, and the file name alone."""
    forms = (name, name.partition("/")[2], name.rpartition("/")[2])
    return any(fnmatch(form, glob) for glob in globs for form in forms)


def _with_split_of(repeat: Job, job: Job) -> Job:
    """The job, held out if its file is held out under its other name."""
    held_out = "heldout" in (repeat.recording.split, job.recording.split)
    split = "heldout" if held_out else "train"
    return replace(job, recording=replace(job.recording, split=split))


def _require_same_path(job: Job, first: Job) -> None:
    if job.path != first.path:
        raise SourceError(
            f"{first.path} and {job.path} both go by the name {job.recording.name}; "
            "rename one of the folders"
        )
