"""Turn music into a training store: ``python -m training.prepare [DATASET] FOLDER -o STORE``.

Every wav, flac, ogg, opus, mp3, aiff and au file becomes mono audio at the model's rate and -23
LUFS. Files are converted in parallel and appended in the order of their names, so that a run that
was interrupted and started again ends with the very store that one run makes. What cannot be used
is named, skipped and counted.
"""

from __future__ import annotations

import os
import sys
from collections import Counter, defaultdict
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial

from export.audio.model_input import LOUDNESS_LUFS, AudioError
from model.config import ConfigError, preset
from training.datasets import gtzan
from training.datasets.kinds import LOADERS, PLAIN
from training.datasets.listing import LeftOut, SourceError
from training.prepare.convert import Converted, convert, digest_of
from training.prepare.settings import GATE_S, PrepareSettings, parse_args
from training.prepare.sources import Job, PreparePlan, draw_held_out, hold_out, kin_held_out, plan
from training.prepare.takes import RenderingLengths
from training.store.index import StoredRecording, StoreError
from training.store.writer import StoreWriter
from training.support.arguments import exit_code
from training.support.workers import Workers, WorkersError, results

_NAMED = 100  # of one reason, when names alone tell; more than that is a part never unpacked


class PrepareError(ValueError):
    """Options, or sources together, that no store can be prepared from."""


@dataclass
class Tally:
    """What happened to the files of one run."""

    prepared: int = 0
    present: int = 0
    skipped: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(self.skipped.items()))
        skipped = f"skipped {self.skipped.total()}" + (f" ({reasons})" if reasons else "")
        present = f", already there {self.present}" if self.present else ""
        return f"prepared {self.prepared}{present}, {skipped}"

    def skip(self, left_out: LeftOut) -> None:
        """Count a file and name it on standard error."""
        from tqdm import tqdm

        self.skipped[left_out.reason] += 1
        line = f"skipped {left_out.name} ({left_out.reason}): {left_out.why}"
        tqdm.write(line, file=sys.stderr)


def prepare(
    jobs: Sequence[Job],
    writer: StoreWriter,
    shortest_s: float,
    sample_rate_hz: int,
    workers: Workers,
    tally: Tally,
) -> None:
    """Convert what the store lacks and append it; names what is skipped on standard error.

    Raises:
        WorkersError: no workers, or they were lost; what was appended is in the store.
    """
    missing = list(_missing(jobs, writer, tally))
    takes = RenderingLengths(sample_rate_hz, writer.recordings)
    with closing(_converted(missing, sample_rate_hz, shortest_s, workers)) as converted:
        for done in converted:
            if done.samples is None:
                _skip(tally, done.job, done.error)
                continue
            recording = replace(
                done.job.recording, gain_db=round(done.gain_db, 4), source_digest=done.digest
            )
            if misfit := takes.misfit(recording, done.samples.size):
                tally.skip(LeftOut(recording.name, "other length", misfit))
                continue
            writer.append(recording, done.samples)
            tally.prepared += 1


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point: 0 when the store has music in it, 2 on bad input."""
    errors = (PrepareError, SourceError, StoreError, ConfigError, WorkersError, OSError)
    return exit_code(lambda: run(parse_args(argv)), errors)


def run(settings: PrepareSettings) -> None:
    """Do what the command line says and print the summary.

    Raises:
        PrepareError: bad options, or nothing usable in the sources.
        SourceError: a source that is no folder of music, or not this data set.
        StoreError: the output folder holds another store.
        WorkersError: the workers cannot be had, or were lost.
    """
    rate_hz = _rate_hz(settings)
    _require_settings(settings)
    planned = _plan(settings)
    tally = Tally()
    _report(planned.left_out, tally)
    _require_jobs(planned, settings)
    with StoreWriter(settings.output, rate_hz, LOUDNESS_LUFS) as writer:
        jobs = _keep_kin_together(planned.jobs, writer)
        prepare(jobs, writer, settings.min_seconds, rate_hz, settings.workers, tally)
        print(tally)
        if not writer.recordings:
            raise PrepareError("nothing usable in these folders; every file was skipped")
        _hold_out_some(jobs, writer, settings)
        print(_contents(writer, rate_hz))
        if not any(recording.split == "heldout" for recording in writer.recordings):
            print("nothing is held out, so training.evaluate will have nothing to measure on")


def _plan(settings: PrepareSettings) -> PreparePlan:
    load = LOADERS[settings.kind]
    if settings.split_lists:
        load = partial(gtzan.find, split_lists=settings.split_lists)
    findings = (finding for source in settings.sources for finding in load(source))
    return plan(findings, settings.exclude, settings.heldout)


def _hold_out_some(jobs: Sequence[Job], writer: StoreWriter, settings: PrepareSettings) -> None:
    """A share of what a plain folder turned out to hold, where nobody has said which."""
    said = any(job.recording.split == "heldout" for job in jobs)
    if settings.kind == PLAIN and settings.heldout_share and not (settings.heldout or said):
        stored = filter(None, (writer.find(job.recording.name) for job in jobs))
        for recording in draw_held_out(stored, settings.heldout_share):
            writer.update(replace(recording, split="heldout"))


def _report(left_out: Iterable[LeftOut], tally: Tally) -> None:
    """Name what the loaders left out, and count what is too much to name."""
    for each in left_out:
        if tally.skipped[each.reason] < _NAMED:
            tally.skip(each)
        else:
            tally.skipped[each.reason] += 1
    for reason, count in tally.skipped.items():
        if count > _NAMED:
            print(f"skipped {count - _NAMED} more ({reason})", file=sys.stderr)


def _keep_kin_together(jobs: Sequence[Job], writer: StoreWriter) -> tuple[Job, ...]:
    """Hold out what is kin to a held out recording, whether new or in the store already."""
    known = (*writer.recordings, *(job.recording for job in jobs))
    held = kin_held_out(known)
    follow = {r.name for r in known if r.kin in held and r.split != "heldout"}
    for recording in writer.recordings:
        if recording.name in follow:
            writer.update(replace(recording, split="heldout"))
    if follow:
        print(f"held out {len(follow)} more: of one artist, recording or work with others that are")
    return hold_out(jobs, held)


def _converted(
    jobs: list[Job], sample_rate_hz: int, shortest_s: float, workers: Workers
) -> Generator[Converted, None, None]:
    """Results in the order of the jobs, with a progress bar."""
    from joblib import delayed
    from tqdm import tqdm

    parent_id = os.getpid() if workers.are_children else None
    tasks = [delayed(convert)(job, sample_rate_hz, shortest_s, parent_id) for job in jobs]
    with closing(results(tasks, workers)) as done:
        yield from tqdm(done, total=len(jobs), unit="file", disable=not jobs)


def _missing(jobs: Iterable[Job], writer: StoreWriter, tally: Tally) -> Iterator[Job]:
    """Jobs that the store lacks; of the others, what is known about them is brought up to date."""
    alike: dict[object, list[StoredRecording]] = defaultdict(list)
    for recording in writer.recordings:
        alike[_file(recording)].append(recording)
    for job in jobs:
        present = writer.find(job.recording.name)
        present = present or _same_file(job, alike.get(_file(job.recording), []))
        if present is None:
            yield job
        elif present.source_bytes != job.recording.source_bytes:
            _skip(tally, job, AudioError("changed", "another file of this name is in the store"))
        else:
            tally.present += 1
            writer.update(_up_to_date(present, job.recording))


def _file(recording: StoredRecording) -> object:
    """What is the same of one file, whether its folder or that one's parent was given."""
    return recording.name.rpartition("/")[2], recording.source_bytes


def _same_file(job: Job, candidates: Iterable[StoredRecording]) -> StoredRecording | None:
    """The one of the candidates that is the job's own file, named from another folder on."""
    name = job.recording.name
    kept = [one for one in candidates if one.source_digest and _is_nested(one.name, name)]
    try:
        digest = digest_of(job.path) if kept else ""
    except OSError:
        return None  # converting it tells what is wrong
    return next((one for one in kept if one.source_digest == digest), None)


def _is_nested(one: str, other: str) -> bool:
    return one.endswith(f"/{other}") or other.endswith(f"/{one}")


def _up_to_date(present: StoredRecording, now: StoredRecording) -> StoredRecording:
    """With today's labels, group and pairing, if any; one held out stays held out from now on."""
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


def _skip(tally: Tally, job: Job, error: AudioError | None) -> None:
    reason = error.reason if error else "corrupt"
    tally.skip(LeftOut(job.recording.name, reason, str(error)))


def _rate_hz(settings: PrepareSettings) -> int:
    if settings.rate is None:
        return preset(settings.preset).features.sample_rate_hz
    if not 8_000 <= settings.rate <= 192_000:
        raise PrepareError(f"--rate {settings.rate}: 8000 to 192000 Hz are allowed")
    return settings.rate


def _require_settings(settings: PrepareSettings) -> None:
    if settings.workers.processes < 1:
        raise PrepareError(f"--jobs {settings.workers.processes}: at least 1 process is needed")
    if not settings.min_seconds >= GATE_S:
        raise PrepareError(f"--min-seconds {settings.min_seconds}: at least {GATE_S:g} s")
    if not 0 <= settings.heldout_share <= 0.5:
        raise PrepareError(f"--heldout-share {settings.heldout_share:g}: 0 to 0.5 is allowed")


def _require_jobs(planned: PreparePlan, settings: PrepareSettings) -> None:
    if not planned.jobs and planned.left_out:
        raise PrepareError("nothing usable in these folders; every file was skipped")
    if not planned.jobs:
        raise PrepareError("every file was excluded; loosen --exclude")
    globs = settings.heldout
    if globs and not any(job.recording.split == "heldout" for job in planned.jobs):
        raise PrepareError(f"--heldout {' '.join(globs)}: matches no recording; check the names")


def _contents(writer: StoreWriter, rate_hz: int) -> str:
    counts: Counter[str] = Counter()
    samples: Counter[str] = Counter()
    for recording in writer.recordings:
        counts[recording.split] += 1
        samples[recording.split] += recording.length
    parts = (f"{counts[s]} {s} ({samples[s] / rate_hz / 60:.1f} min)" for s in ("train", "heldout"))
    return f"{writer.path}: " + ", ".join(parts)


if __name__ == "__main__":
    sys.exit(main())
