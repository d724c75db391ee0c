"""The encoder's process works in the background, in order, and may die without harm."""

from __future__ import annotations

import os
import queue
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from server.encoder_worker import EncoderWorker, Failed, Finished, Progressed, Report
from tests import mini_bundle

RATE = mini_bundle.RATE_HZ
Reports = queue.SimpleQueue[Report]


@pytest.fixture
def reports() -> Reports:
    return queue.SimpleQueue()


@pytest.fixture
def worker(reports: Reports) -> Iterator[EncoderWorker]:
    bundle = mini_bundle.bundle()
    made = EncoderWorker(bundle.manifest, bundle.encoder_onnx, reports.put)
    yield made
    made.stop()


def music(path: Path, seconds: float = 1.0) -> Path:
    samples = 0.1 * np.random.default_rng(2).standard_normal(round(seconds * RATE)).clip(-3, 3)
    soundfile.write(path, samples, RATE)
    return path


def next_result(reports: Reports) -> Report:
    # The first file after installing waits until librosa has compiled itself.
    while isinstance(report := reports.get(timeout=240), Progressed):
        assert 0 < report.share <= 1
    return report


def test_files_come_back_as_decks_in_order_and_bad_ones_as_failures(
    worker: EncoderWorker, reports: Reports, tmp_path: Path
) -> None:
    first = worker.submit(music(tmp_path / "one.wav"))
    missing = worker.submit(tmp_path / "none.wav")
    last = worker.submit(music(tmp_path / "two.wav"))
    one, none, two = (next_result(reports) for _ in range(3))
    assert isinstance(one, Finished)
    assert (one.ticket, one.deck.name) == (first, "one")
    assert isinstance(none, Failed)
    assert none.ticket == missing
    assert "none.wav" in none.reason
    assert isinstance(two, Finished)
    assert (two.ticket, two.deck.name) == (last, "two")


def test_a_process_that_dies_is_reported_and_replaced(
    worker: EncoderWorker, reports: Reports, tmp_path: Path
) -> None:
    worker.submit(music(tmp_path / "one.wav"))
    assert isinstance(next_result(reports), Finished)
    died = worker.process_id
    assert died is not None
    os.kill(died, signal.SIGKILL)
    worker.submit(music(tmp_path / "two.wav"))
    failed = next_result(reports)
    assert isinstance(failed, Failed)
    assert "encoder process died (exit code -9)" in failed.reason
    worker.submit(tmp_path / "two.wav")
    assert isinstance(next_result(reports), Finished)
    assert worker.process_id != died


def test_it_is_polite(worker: EncoderWorker, reports: Reports, tmp_path: Path) -> None:
    worker.submit(music(tmp_path / "one.wav"))
    next_result(reports)
    assert worker.process_id is not None
    assert os.getpriority(os.PRIO_PROCESS, worker.process_id) >= 10


def test_stopping_in_the_middle_of_a_file_takes_no_time(reports: Reports, tmp_path: Path) -> None:
    bundle = mini_bundle.bundle()
    worker = EncoderWorker(bundle.manifest, bundle.encoder_onnx, reports.put)
    worker.submit(music(tmp_path / "long.wav", 200))
    while not isinstance(reports.get(timeout=60), Progressed):
        pass
    worker.stop()
    assert worker.process_id is None


def test_stopping_before_anything_was_asked_starts_no_process(reports: Reports) -> None:
    bundle = mini_bundle.bundle()
    worker = EncoderWorker(bundle.manifest, bundle.encoder_onnx, reports.put)
    worker.stop()
    assert worker.process_id is None
