"""Threads get a higher priority than other programs where allowed, and only as long as asked."""

from __future__ import annotations

import os
import threading

import pytest

from server.system.priority import CONTROL_PRIORITY, lower_priority, raise_own_priority, raised

pytestmark = pytest.mark.skipif(
    not hasattr(os, "sched_setscheduler"), reason="this system has no real-time classes"
)


def class_and_niceness() -> tuple[int, int]:
    return os.sched_getscheduler(0), os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


def test_raised_priority_is_inherited_by_threads_and_ends_with_its_block() -> None:
    before = class_and_niceness()
    with raised(CONTROL_PRIORITY):
        inherited: list[tuple[int, int]] = []
        thread = threading.Thread(target=lambda: inherited.append(class_and_niceness()))
        thread.start()
        thread.join()
        assert inherited == [class_and_niceness()]
    assert class_and_niceness() == before


def test_inherited_priority_can_be_lowered_again() -> None:
    found: list[tuple[str, tuple[int, int]]] = []

    def run() -> None:
        raised_to = raise_own_priority()
        lower_priority(10)
        found.append((raised_to, class_and_niceness()))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    ((raised_to, after),) = found
    assert raised_to in ("real-time", "nice -10", "ordinary")
    assert after == (os.SCHED_OTHER, 10)
