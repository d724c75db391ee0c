"""Converts recordings in parallel and appends them to the store in order."""

from __future__ import annotations

import os
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import replace

from training.datasets.listing import LeftOut
from training.prepare.convert import Converted, convert
from training.prepare.present import missing_jobs
from training.prepare.rendering_lengths import RenderingLengths
from training.prepare.settings import PrepareSettings
from training.prepare.sources import Job
from training.prepare.tally import Tally
from training.store.writer import StoreWriter
from training.support.workers import results


def append_missing(
    jobs: Sequence[Job], writer: StoreWriter, settings: PrepareSettings, tally: Tally
) -> None:
    """Convert what the store lacks and append it; files that cannot be used are skipped.

    Raises:
        WorkersError: the workers cannot be started, or were lost; what was appended is kept.
    """
    missing = list(missing_jobs(jobs, writer, tally))
    lengths = RenderingLengths(settings.sample_rate_hz, writer.recordings)
    with closing(_converted(missing, settings)) as converted:
        for done in converted:
            _append(done, writer, lengths, tally)


def _append(done: Converted, writer: StoreWriter, lengths: RenderingLengths, tally: Tally) -> None:
    name = done.job.recording.name
    if done.samples is None:
        reason = done.error.reason if done.error else "corrupt"
        tally.skip(LeftOut(name, reason, str(done.error)))
        return
    recording = replace(
        done.job.recording, gain_db=round(done.gain_db, 4), source_digest=done.digest
    )
    if mismatch := lengths.mismatch(recording, done.samples.size):
        tally.skip(LeftOut(name, "other length", mismatch))
        return
    writer.append(recording, done.samples)
    tally.prepared += 1


def _converted(jobs: Sequence[Job], settings: PrepareSettings) -> Generator[Converted, None, None]:
    """Yield results in the order of the jobs, behind a progress bar."""
    from joblib import delayed
    from tqdm import tqdm

    parent_id = os.getpid() if settings.workers.are_children else None
    tasks = [
        delayed(convert)(job, settings.sample_rate_hz, settings.min_seconds, parent_id)
        for job in jobs
    ]
    with closing(results(tasks, settings.workers)) as done:
        yield from tqdm(done, total=len(jobs), unit="file", disable=not jobs)
