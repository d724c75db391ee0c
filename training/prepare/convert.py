"""Converts one recording for the store, in a worker process.

Not part of ``__main__``, since a worker cannot import what ``python -m training.prepare`` defines
there.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from export.audio.errors import AudioError
from export.audio.model_input import decibels, normalised_mono, read_stereo
from training.prepare.sources import Job
from training.store.store import to_int16


@dataclass(frozen=True)
class Converted:
    """A job's samples (T,), gain in dB and the file's digest, or its error."""

    job: Job
    samples: NDArray[np.int16] | None = None
    gain_db: float = 0.0
    digest: str = ""
    error: AudioError | None = None


def convert(job: Job, sample_rate_hz: int, shortest_s: float, parent_id: int | None) -> Converted:
    """Read, resample and normalise one file.

    A worker that is a child of process ``parent_id`` ends with it; one of a cluster has no such
    parent.
    """
    if parent_id is not None:
        _end_with(parent_id)
    try:
        job.path.open("rb").close()
        recording = read_stereo(job.path, sample_rate_hz, shortest_s)
        samples, gain = normalised_mono(recording, sample_rate_hz)
        digest = digest_of(job.path)
    except AudioError as error:
        return Converted(job, error=error)
    except OSError as error:
        reason = "missing" if isinstance(error, FileNotFoundError) else "unreadable"
        return Converted(job, error=AudioError(reason, f"{job.path}: {error.strerror}"))
    return Converted(job, to_int16(samples), decibels(gain), digest)


def digest_of(path: Path) -> str:
    """Hash of a file's content, 32 hexadecimal digits.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


@cache
def _end_with(parent_id: int) -> None:
    """End this worker soon after its parent was killed.

    By itself it would hang: nobody reads the pipe that its result goes to.
    """

    def watch() -> None:
        while os.getppid() == parent_id:
            time.sleep(1.0)
        os._exit(1)

    if os.getpid() != parent_id:
        threading.Thread(target=watch, daemon=True).start()
