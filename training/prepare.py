"""Turn folders of music into a training store: ``python -m training.prepare FOLDER -o STORE``.

Every wav, flac, ogg, mp3 and au file becomes mono audio at the model's rate and -23 LUFS. Files
are converted in parallel and appended in the order of their names, so that a run that was
interrupted and started again ends with the very store that one run makes. What cannot be used is
named, skipped and counted.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from export.audio import (
    LOUDNESS_LUFS,
    SHORTEST_S,
    AudioError,
)
from model.config import PRESETS, ConfigError, preset
from training.convert import Converted, convert
from training.sources import Job, SourceError, find_jobs
from training.store import StoreError, StoreWriter

_GATE_S = 0.4  # one block of BS.1770's gate: nothing shorter has a loudness


class PrepareError(ValueError):
    """Options, or sources together, that no store can be prepared from."""


@dataclass
class Tally:
    """What happened to the files of one run."""

    prepared: int
    present: int
    skipped: Counter[str]

    def __str__(self) -> str:
        reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(self.skipped.items()))
        skipped = f"skipped {self.skipped.total()}" + (f" ({reasons})" if reasons else "")
        present = f", already there {self.present}" if self.present else ""
        return f"prepared {self.prepared}{present}, {skipped}"


def prepare(
    jobs: Sequence[Job], writer: StoreWriter, shortest_s: float, sample_rate_hz: int, processes: int
) -> Tally:
    """Convert what the store lacks and append it; names what is skipped on standard error."""
    tally = Tally(0, 0, Counter())
    missing = list(_missing(jobs, writer, tally))
    for done in _converted(missing, sample_rate_hz, shortest_s, processes):
        if done.samples is None:
            _skip(tally, done.job, done.error)
            continue
        writer.append(replace(done.job.recording, gain_db=round(done.gain_db, 4)), done.samples)
        tally.prepared += 1
    return tally


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Command line of ``python -m training.prepare``."""
    parser = argparse.ArgumentParser(
        prog="python -m training.prepare",
        description="Turn folders of music into one training store. Interrupted, run it again: "
        "what is done is kept. Run again with more folders, it adds them.",
    )
    parser.add_argument("sources", metavar="SOURCE", type=Path, nargs="+", help="folder of music")
    parser.add_argument(
        "-o", "--output", metavar="STORE", type=Path, required=True, help="folder of the store"
    )
    rate = parser.add_mutually_exclusive_group()
    rate.add_argument(
        "--preset",
        default="small",
        help=f"model preset whose sample rate to use: {', '.join(PRESETS)} (default small)",
    )
    rate.add_argument(
        "--rate", metavar="HZ", type=int, help="sample rate in Hz (default: preset's)"
    )
    parser.add_argument(
        "--heldout",
        metavar="GLOB",
        nargs="+",
        default=[],
        help="recordings to hold out of training, by name, e.g. '*_bach_*' (default none)",
    )
    parser.add_argument(
        "--exclude", metavar="GLOB", nargs="+", default=[], help="files to leave out (default none)"
    )
    parser.add_argument(
        "--jobs",
        metavar="N",
        type=int,
        default=os.cpu_count() or 1,
        help="processes (default: cores)",
    )
    parser.add_argument(
        "--min-seconds",
        metavar="S",
        type=float,
        default=SHORTEST_S,
        help=f"skip shorter recordings, in seconds, at least {_GATE_S:g} (default {SHORTEST_S:g})",
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point: 0 when the store has music in it, 2 on bad input."""
    try:
        run(parse_args(argv))
    except (PrepareError, SourceError, StoreError, ConfigError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; run the same command again to go on", file=sys.stderr)
        return 130
    return 0


def run(options: argparse.Namespace) -> None:
    """Do what the command line says and print the summary.

    Raises:
        PrepareError: bad options, or nothing usable in the sources.
        SourceError: a source that is no folder of music.
        StoreError: the output folder holds another store.
    """
    rate_hz = _rate_hz(options)
    _require_options(options)
    jobs = [
        job
        for source in options.sources
        for job in find_jobs(source, options.exclude, options.heldout)
    ]
    _require_heldout(jobs, options.heldout)
    with StoreWriter(options.output, rate_hz, LOUDNESS_LUFS) as writer:
        tally = prepare(jobs, writer, options.min_seconds, rate_hz, options.jobs)
        print(tally)
        if not writer.recordings:
            raise PrepareError("nothing usable in these folders; every file was skipped")
        print(_contents(writer, rate_hz))


def _converted(
    jobs: list[Job], sample_rate_hz: int, shortest_s: float, processes: int
) -> Iterator[Converted]:
    """Results in the order of the jobs, with a progress bar."""
    from joblib import Parallel, delayed
    from tqdm import tqdm

    parallel = Parallel(n_jobs=min(processes, max(len(jobs), 1)), return_as="generator")
    results = parallel(
        delayed(convert)(job, sample_rate_hz, shortest_s, os.getpid()) for job in jobs
    )
    yield from tqdm(results, total=len(jobs), unit="file", disable=not jobs)


def _missing(jobs: Iterable[Job], writer: StoreWriter, tally: Tally) -> Iterator[Job]:
    """Jobs that the store lacks. Of the others, one held out now stays held out from now on."""
    for job in jobs:
        present = writer.find(job.recording.name)
        if present is None:
            yield job
        elif present.source_bytes != job.recording.source_bytes:
            _skip(tally, job, AudioError("changed", "another file of this name is in the store"))
        else:
            tally.present += 1
            if job.recording.split == "heldout":
                writer.update(replace(present, split="heldout"))


def _skip(tally: Tally, job: Job, error: AudioError | None) -> None:
    from tqdm import tqdm

    reason = error.reason if error else "corrupt"
    tally.skipped[reason] += 1
    tqdm.write(f"skipped {job.recording.name} ({reason}): {error}", file=sys.stderr)


def _rate_hz(options: argparse.Namespace) -> int:
    if options.rate is None:
        return preset(options.preset).features.sample_rate_hz
    if not 8_000 <= options.rate <= 192_000:
        raise PrepareError(f"--rate {options.rate}: 8000 to 192000 Hz are allowed")
    return int(options.rate)


def _require_options(options: argparse.Namespace) -> None:
    if options.jobs < 1:
        raise PrepareError(f"--jobs {options.jobs}: at least 1 process is needed")
    if not options.min_seconds >= _GATE_S:
        raise PrepareError(f"--min-seconds {options.min_seconds}: at least {_GATE_S:g} s")


def _require_heldout(jobs: Sequence[Job], globs: Sequence[str]) -> None:
    if not jobs:
        raise PrepareError("every file was excluded; loosen --exclude")
    if globs and not any(job.recording.split == "heldout" for job in jobs):
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
