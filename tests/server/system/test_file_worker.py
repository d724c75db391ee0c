"""Tasks run in order, in another thread, and report their result."""

from __future__ import annotations

import threading
from functools import partial

import pytest

from server.system.file_worker import MAX_QUEUED, FileWorker
from server.system.json_document import DocumentError


def test_errands_run_in_order_on_another_thread_and_finish_before_stop() -> None:
    gate = threading.Event()
    done: list[object] = []
    errands = FileWorker(lambda call: call())
    errands.do(lambda: gate.wait(60) and threading.current_thread(), done.append, done.append)
    for number in range(3):
        errands.do(partial(int, number), done.append, done.append)
    assert done == []
    gate.set()
    errands.stop()
    assert done[0] is not threading.current_thread() and done[1:] == [0, 1, 2]


def test_too_many_errands_for_a_slow_disk_are_refused() -> None:
    gate = threading.Event()
    done: list[object] = []
    refused: list[str] = []
    errands = FileWorker(lambda call: call())
    for _ in range(MAX_QUEUED + 2):
        errands.do(lambda: gate.wait(60), done.append, refused.append)
    gate.set()
    errands.stop()
    assert (len(done), len(refused)) == (MAX_QUEUED, 2) and "keep up" in refused[0]


@pytest.mark.parametrize(
    ("error", "line"),
    [(DocumentError("disk full"), "disk full"), (KeyError("x"), "KeyError: 'x'")],
)
def test_a_failed_errand_is_reported_in_one_line(error: Exception, line: str) -> None:
    def fail() -> None:
        raise error

    failures: list[str] = []
    errands = FileWorker(lambda call: call())
    errands.do(fail, lambda result: failures.append("done"), failures.append)
    errands.stop()
    assert failures == [line]
