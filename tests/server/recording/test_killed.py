"""A process killed while recording leaves a file that lacks its last second at most."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile

from tests.server.recording.noise_recorder import BLOCK, block
from tests.server.recording.test_files import read, rounded

AT_ONCE, MOST_APART_S = 6, 0.7
LOST_S = 1.0  # as promised


def start(path: Path, seed: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.server.recording.noise_recorder", str(path), str(seed)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def heard_before(process: subprocess.Popen[str], lost_s: float) -> int:
    """Return how many samples it had received some time before it was killed.

    A delay of the whole machine counts as additional time.
    """
    assert process.stdout is not None
    with process:
        said = process.stdout.read()
    told = [line.split() for line in said.splitlines(keepends=True) if line.endswith("\n")]
    heard, times_s = (np.array(column, float) for column in zip(*told, strict=True))
    held_up_s = np.diff(times_s, prepend=times_s[0]).max()
    before = heard[times_s <= times_s[-1] - lost_s - held_up_s]
    return int(before.max(initial=0))


@pytest.mark.parametrize("kind", ["wav", "flac"])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_killed_recording_loses_at_most_its_last_second(
    kind: str, seed: int, tmp_path: Path
) -> None:
    random = np.random.default_rng(seed)
    paths = [tmp_path / f"{number}.{kind}" for number in range(AT_ONCE)]
    processes = [start(path, seed) for path in paths]
    for process in processes:
        assert process.stdout is not None and process.stdout.readline()
    lengths = []
    for path, process in zip(paths, processes, strict=True):
        time.sleep(random.uniform(0.1, MOST_APART_S))
        process.kill()
        wanted = heard_before(process, LOST_S)
        if not path.stat().st_size:  # killed as it began
            assert not wanted
            continue
        found = read(path)
        assert len(found) >= wanted
        blocks = [block(seed, number) for number in range(1 + len(found) // BLOCK)]
        heard = np.concatenate(blocks)[: len(found)]
        np.testing.assert_array_equal(found, rounded(heard, kind))
        if kind == "wav":
            np.testing.assert_array_equal(wavfile.read(path)[1], heard)
        lengths.append(len(found))
    assert max(lengths) > 0
