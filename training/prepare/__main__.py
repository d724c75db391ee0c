"""Turn music into a training store: ``python -m training.prepare [DATASET] FOLDER -o STORE``.

Every audio file becomes mono audio at the model's rate and -23 LUFS. Files are converted in
parallel and appended in the order of their names, so an interrupted run that is started again ends
with the same store as a run without a break. Files that cannot be used are named, skipped and
counted.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence

from export.audio.model_input import LOUDNESS_LUFS
from model.config import ConfigError
from training.datasets.listing import SourceError
from training.prepare.append import append_missing
from training.prepare.held_out import hold_out_kin, hold_out_share
from training.prepare.settings import PrepareError, PrepareSettings, parse_args, require_valid
from training.prepare.sources import PreparePlan, plan_sources
from training.prepare.tally import Tally
from training.store.index import SPLITS, StoreError
from training.store.writer import StoreWriter
from training.support.arguments import exit_code
from training.support.workers import WorkersError


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point: 0 if the store holds music, 2 on bad input."""
    errors = (PrepareError, SourceError, StoreError, ConfigError, WorkersError, OSError)
    return exit_code(lambda: prepare(parse_args(argv)), errors)


def prepare(settings: PrepareSettings) -> None:
    """Append the sources to the store and print the summary.

    Raises:
        PrepareError: bad options, or nothing usable in the sources.
        SourceError: a source is not a folder of music, or not this data set.
        StoreError: the output folder holds another store.
        WorkersError: the workers cannot be started, or were lost.
    """
    require_valid(settings)
    planned, tally = plan_sources(settings), Tally()
    tally.skip_listed(planned.left_out)
    _require_jobs(planned, settings)
    with StoreWriter(settings.output, settings.sample_rate_hz, LOUDNESS_LUFS) as writer:
        jobs = hold_out_kin(planned.jobs, writer)
        append_missing(jobs, writer, settings, tally)
        print(tally)
        if not writer.recordings:
            raise PrepareError("nothing usable in these folders; every file was skipped")
        hold_out_share(jobs, writer, settings)
        print(_contents(writer, settings.sample_rate_hz))
        if not any(recording.split == "heldout" for recording in writer.recordings):
            print("nothing is held out, so training.evaluate will have nothing to measure on")


def _require_jobs(planned: PreparePlan, settings: PrepareSettings) -> None:
    if not planned.jobs and planned.left_out:
        raise PrepareError("nothing usable in these folders; every file was skipped")
    if not planned.jobs:
        raise PrepareError("every file was excluded; loosen --exclude")
    globs = settings.heldout
    if globs and not any(job.recording.split == "heldout" for job in planned.jobs):
        raise PrepareError(f"--heldout {' '.join(globs)}: matches no recording; check the names")


def _contents(writer: StoreWriter, rate_hz: int) -> str:
    """Such as ``store: 20 train (61.3 min), 2 heldout (6.0 min)``."""
    counts: Counter[str] = Counter()
    samples: Counter[str] = Counter()
    for recording in writer.recordings:
        counts[recording.split] += 1
        samples[recording.split] += recording.length
    parts = (f"{counts[s]} {s} ({samples[s] / rate_hz / 60:.1f} min)" for s in SPLITS)
    return f"{writer.path}: " + ", ".join(parts)


if __name__ == "__main__":
    sys.exit(main())
