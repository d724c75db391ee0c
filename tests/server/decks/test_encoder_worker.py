"""The encoder process works in the background, in order, and may die without harm."""

from __future__ import annotations

import gc
import os
import queue
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from export.audio.model_input import Captured
from export.audio.recordings import decode_recording, encode_recording
from server.decks.encoder_worker import EncoderWorker
from server.decks.graphs import graphs_of
from server.decks.reports import Failed, Finished, Heard, Progressed, Report
from tests import mini_bundle, spectral_bundle
from tests.waiting import until

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


SLOW_HZ, SLOW_S = 192_000, 150
"""Such a file takes longer to read than the reader waits before its start is heard."""


def music(path: Path, seconds: float = 1.0, rate_hz: int = RATE) -> Path:
    # As loud below 4 kHz at any rate.
    noise = np.random.default_rng(2).standard_normal(round(seconds * rate_hz)).clip(-3, 3)
    samples = 0.1 * min(rate_hz / RATE, 9) ** 0.5 * noise
    soundfile.write(path, samples, rate_hz)
    return path


def next_result(reports: Reports) -> Report:
    # The first file after installing waits until librosa has compiled itself.
    while isinstance(report := reports.get(timeout=240), Progressed | Heard):
        assert isinstance(report, Heard) or 0 < report.share <= 1
    return report


def results(reports: Reports, count: int) -> list[Report]:
    """The next results by ticket: a file that cannot be read fails before its turn."""
    return sorted((next_result(reports) for _ in range(count)), key=lambda result: result.ticket)


def test_files_become_decks_in_order_and_bad_files_fail(
    worker: EncoderWorker, reports: Reports, tmp_path: Path
) -> None:
    first = worker.submit(music(tmp_path / "one.wav"))
    missing = worker.submit(tmp_path / "none.wav")
    last = worker.submit(music(tmp_path / "two.wav"))
    one, none, two = results(reports, 3)
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
    worker.submit(music(tmp_path / "one.wav", 100))
    while not isinstance(reports.get(timeout=120), Progressed):
        pass
    died = worker.process_id
    assert died is not None
    os.kill(died, signal.SIGKILL)
    failed = next_result(reports)
    assert isinstance(failed, Failed)
    assert "one.wav: the encoder process died (exit code -9)" in failed.reason
    worker.submit(music(tmp_path / "two.wav"))
    assert isinstance(next_result(reports), Finished)
    assert worker.process_id not in (died, None)


def test_a_process_that_dies_idle_is_replaced_in_silence(
    worker: EncoderWorker, reports: Reports, tmp_path: Path
) -> None:
    worker.submit(music(tmp_path / "one.wav"))
    assert isinstance(next_result(reports), Finished)
    assert worker.process_id is not None
    os.kill(worker.process_id, signal.SIGKILL)
    until(lambda: worker.process_id is None)
    worker.submit(tmp_path / "one.wav")
    assert isinstance(next_result(reports), Finished)


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
    good, *bad = results(reports, 4)
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
    done = results(reports, 2)
    assert [result.ticket for result in done] == [first, third]
    assert all(isinstance(result, Finished) for result in done)
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


@pytest.fixture
def spectral_worker(reports: Reports, tmp_path: Path) -> Iterator[EncoderWorker]:
    folder = tmp_path / "arrays"
    folder.mkdir()
    made = EncoderWorker(graphs_of(spectral_bundle.bundle()), reports.put, folder)
    until(lambda: made.process_id is not None)
    yield made
    made.stop()


def test_a_long_file_is_heard_first_in_part_then_whole_then_encoded(
    spectral_worker: EncoderWorker, reports: Reports, tmp_path: Path
) -> None:
    ticket = spectral_worker.submit(music(tmp_path / "long.wav", SLOW_S, SLOW_HZ))
    early, whole = (reports.get(timeout=60) for _ in range(2))
    assert isinstance(early, Heard) and isinstance(whole, Heard)
    assert (early.name, early.ticket, early.is_whole) == ("long", ticket, False)
    assert whole.is_whole and whole.recording.samples == early.recording.samples
    assert early.gain_db == pytest.approx(whole.gain_db, abs=5.0)
    ratio = 10 ** ((early.gain_db - whole.gain_db) / 20)
    beginning = slice(0, 2 * RATE)
    np.testing.assert_allclose(
        early.recording.pcm[beginning], whole.recording.pcm[beginning] * ratio, atol=2
    )
    finished = next_result(reports)
    assert isinstance(finished, Finished)
    assert finished.deck.recording is not None and finished.deck.reference is not None
    np.testing.assert_array_equal(finished.deck.recording.pcm, whole.recording.pcm)
    spectra = finished.deck.ticks * mini_bundle.TICK_FRAMES * mini_bundle.SPECTRA
    assert finished.deck.reference.shape == (spectra, spectral_bundle.BINS)
    assert finished.deck.mean_spectrum is not None


def test_large_arrays_come_as_files_that_go_with_them(
    spectral_worker: EncoderWorker, reports: Reports, tmp_path: Path
) -> None:
    spectral_worker.submit(music(tmp_path / "x.wav", 20))
    while not isinstance(report := reports.get(timeout=60), Finished):
        del report
    names = {path.name.split("-")[-1] for path in (tmp_path / "arrays").iterdir()}
    assert names == {"pcm", "reference"}
    assert isinstance(report.deck.reference, np.memmap)
    del report
    gc.collect()
    assert not list((tmp_path / "arrays").iterdir())


def test_the_next_file_is_heard_while_the_first_is_encoded(
    spectral_worker: EncoderWorker, reports: Reports, tmp_path: Path
) -> None:
    spectral_worker.submit(music(tmp_path / "long.wav", 200))
    while not isinstance(reports.get(timeout=60), Progressed):
        pass
    second = spectral_worker.submit(music(tmp_path / "second.wav", 20))
    seen = []
    while not (isinstance(report := reports.get(timeout=60), Heard) and report.ticket == second):
        seen.append(report)
    assert not any(isinstance(report, Finished) for report in seen)


def test_a_cancelled_load_leaves_no_file_behind(
    spectral_worker: EncoderWorker, reports: Reports, tmp_path: Path
) -> None:
    ticket = spectral_worker.submit(music(tmp_path / "long.wav", 200))
    while not isinstance(report := reports.get(timeout=60), Progressed):
        del report
    spectral_worker.cancel(ticket)
    until(lambda: gc.collect() >= 0 and not list((tmp_path / "arrays").iterdir()))


def test_a_library_deck_with_a_recording_gets_what_detail_needs(
    spectral_worker: EncoderWorker, reports: Reports
) -> None:
    stored = mini_bundle.deck("low", 0.2, 1)
    samples = stored.structure.shape[1] * mini_bundle.TICK_FRAMES * mini_bundle.HOP
    noise = 0.1 * np.random.default_rng(4).standard_normal((samples, 2)).clip(-3, 3)
    pcm = np.round(noise * 32767).astype(np.int16)
    recording = encode_recording(pcm, RATE)
    spectral_worker.submit(replace(stored, recording=recording, mid=(1.0, 0.0)))
    heard, finished = reports.get(timeout=60), next_result(reports)
    assert isinstance(heard, Heard) and heard.is_whole and heard.recording.samples == samples
    assert isinstance(finished, Finished) and finished.deck.recording is not None
    assert finished.deck.recording.mid == (1.0, 0.0)
    inside = slice(200, -200)  # between the fades of the loop's ends
    np.testing.assert_array_equal(
        finished.deck.recording.pcm[inside], decode_recording(recording, RATE)[inside]
    )
    assert not finished.deck.recording.pcm[[0, -1]].any()
    np.testing.assert_array_equal(finished.deck.style_mean, stored.style_mean)
    assert finished.deck.reference is not None
    assert len(finished.deck.reference) == samples // (mini_bundle.HOP // mini_bundle.SPECTRA)
    spectral_worker.submit(replace(stored, recording=recording[: len(recording) // 2]))
    failed = next_result(reports)
    assert isinstance(failed, Failed) and failed.reason.startswith("low: its recording")


def test_a_file_that_breaks_off_half_way_fails_after_it_was_heard(
    spectral_worker: EncoderWorker, reports: Reports, tmp_path: Path
) -> None:
    samples = 0.1 * np.random.default_rng(2).standard_normal(SLOW_S * SLOW_HZ, np.float32)
    samples[-100] = np.nan
    soundfile.write(tmp_path / "bad.wav", samples, SLOW_HZ, subtype="FLOAT")
    spectral_worker.submit(tmp_path / "bad.wav")
    heard, failed = reports.get(timeout=60), reports.get(timeout=60)
    assert isinstance(heard, Heard) and not heard.is_whole
    assert isinstance(failed, Failed) and "bad.wav: holds NaN" in failed.reason


def test_a_file_may_vanish_once_it_has_been_heard_whole(
    spectral_worker: EncoderWorker, reports: Reports, tmp_path: Path
) -> None:
    path = music(tmp_path / "gone.wav", 5)
    spectral_worker.submit(path)
    heard = reports.get(timeout=60)
    path.unlink()
    finished = next_result(reports)
    assert isinstance(heard, Heard) and isinstance(finished, Finished)
    assert finished.deck.recording is not None and finished.deck.recording.pcm[:].any()


def test_without_room_for_its_sound_a_file_fails_and_the_next_is_loaded(
    reports: Reports, tmp_path: Path
) -> None:
    worker = EncoderWorker(graphs_of(spectral_bundle.bundle()), reports.put, tmp_path / "none")
    try:
        worker.submit(music(tmp_path / "x.wav", 20))
        failed = next_result(reports)
        assert isinstance(failed, Failed) and "no room for its sound in" in failed.reason
        (tmp_path / "none").mkdir()
        worker.submit(tmp_path / "x.wav")
        assert isinstance(next_result(reports), Finished)
    finally:
        worker.stop()
