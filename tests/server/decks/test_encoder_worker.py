"""The encoder process works in the background, in order, and may die without harm."""

from __future__ import annotations

import os
import queue
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from export.audio.model_input import Captured
from server.decks.encoder_worker import EncoderWorker
from server.decks.graphs import graphs_of
from server.decks.reports import Failed, Finished, Progressed, Report
from tests import mini_bundle

RATE = mini_bundle.RATE_HZ
Reports = queue.SimpleQueue[Report]


@pytest.fixture
def reports() -> Reports:
    return queue.SimpleQueue()


@pytest.fixture
def worker(reports: Reports) -> Iterator[EncoderWorker]:
    bundle = mini_bundle.bundle()
    made = EncoderWorker(graphs_of(bundle), reports.put)
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


def test_files_become_decks_in_order_and_bad_files_fail(
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


def test_an_encoder_process_that_dies_is_reported_and_replaced(
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


def test_the_encoder_runs_at_low_priority(
    worker: EncoderWorker, reports: Reports, tmp_path: Path
) -> None:
    worker.submit(music(tmp_path / "one.wav"))
    next_result(reports)
    assert worker.process_id is not None
    assert os.getpriority(os.PRIO_PROCESS, worker.process_id) >= 10


def test_all_encoder_threads_run_at_low_priority_from_the_start(
    worker: EncoderWorker, reports: Reports, tmp_path: Path
) -> None:
    """All threads of the process, also those that libraries start, but not this process."""
    worker.submit(music(tmp_path / "long.wav", 100))
    while not isinstance(reports.get(timeout=120), Progressed):
        pass
    threads = Path(f"/proc/{worker.process_id}/task")
    if not threads.exists():
        pytest.skip("only Linux lists threads")
    own = os.getpriority(os.PRIO_PROCESS, 0)
    for thread in threads.iterdir():
        assert os.getpriority(os.PRIO_PROCESS, int(thread.name)) >= max(own, 10)
    for thread in Path("/proc/self/task").iterdir():
        assert os.getpriority(os.PRIO_PROCESS, int(thread.name)) == own


def test_a_capture_becomes_a_deck_and_bad_captures_fail(
    worker: EncoderWorker, reports: Reports
) -> None:
    noise = 0.1 * np.random.default_rng(3).standard_normal(48_000).astype(np.float32)
    for samples in (noise, np.zeros_like(noise), np.full_like(noise, np.nan), noise[:2000]):
        worker.submit(Captured("capture of a fake", samples, 48_000))
    good, *bad = (next_result(reports) for _ in range(4))
    assert isinstance(good, Finished)
    assert good.deck.name == "capture of a fake"
    assert good.deck.seconds == pytest.approx(1.0, abs=1e-3)
    assert good.deck.recording is not None
    for failed, words in zip(bad, ("silent", "NaN", "0.04 s"), strict=True):
        assert isinstance(failed, Failed)
        assert "capture of a fake" in failed.reason and words in failed.reason


def test_cancelling_the_current_file_stops_at_once_and_the_next_is_encoded(
    worker: EncoderWorker, reports: Reports, tmp_path: Path
) -> None:
    long = worker.submit(music(tmp_path / "long.wav", 300))
    next_one = worker.submit(music(tmp_path / "next.wav"))
    while not isinstance(reports.get(timeout=120), Progressed):
        pass
    worker.cancel(long)
    result = next_result(reports)
    assert isinstance(result, Finished) and result.ticket == next_one


def test_cancelling_a_waiting_or_finished_file_leaves_the_others_alone(
    worker: EncoderWorker, reports: Reports, tmp_path: Path
) -> None:
    first = worker.submit(music(tmp_path / "one.wav", 20))
    second = worker.submit(tmp_path / "none.wav")
    third = worker.submit(music(tmp_path / "three.wav"))
    worker.cancel(second)
    results = [next_result(reports) for _ in range(2)]
    assert [result.ticket for result in results] == [first, third]
    assert all(isinstance(result, Finished) for result in results)
    process = worker.process_id
    worker.cancel(third)
    worker.cancel(99)
    worker.submit(tmp_path / "three.wav")
    assert isinstance(next_result(reports), Finished)
    assert worker.process_id == process


@pytest.mark.long
def test_a_file_is_encoded_after_a_cancellation_at_any_moment(
    worker: EncoderWorker, reports: Reports, tmp_path: Path
) -> None:
    path = music(tmp_path / "one.wav", 2)
    for pause_s in (0.0, 0.001, 0.01, 0.05, 0.2):
        dropped = worker.submit(path)
        time.sleep(pause_s)
        worker.cancel(dropped)
        wanted = worker.submit(path)
        while (result := next_result(reports)).ticket != wanted:
            assert result.ticket == dropped  # it was over before
        assert isinstance(result, Finished)


def test_the_worker_stops_at_once_in_the_middle_of_a_file(reports: Reports, tmp_path: Path) -> None:
    bundle = mini_bundle.bundle()
    worker = EncoderWorker(graphs_of(bundle), reports.put)
    worker.submit(music(tmp_path / "long.wav", 200))
    while not isinstance(reports.get(timeout=120), Progressed):
        pass
    worker.stop()
    assert worker.process_id is None


def test_stopping_an_unused_worker_starts_no_process(reports: Reports) -> None:
    bundle = mini_bundle.bundle()
    worker = EncoderWorker(graphs_of(bundle), reports.put)
    worker.stop()
    assert worker.process_id is None
