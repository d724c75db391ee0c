"""Thread priorities: sound before controls before other programs, where the system allows it.

The audio callback needs the interpreter's lock. A thread of ours that holds it while another
program runs makes the callback late, so all of them get a higher priority than other programs, and
the engine's a higher one than the controls'.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator

CONTROL_PRIORITY, ENGINE_PRIORITY = 2, 3
"""Real-time priorities; audio callbacks have 5 and more."""

NICENESS = -10


def raise_own_priority(priority: int = ENGINE_PRIORITY) -> str:
    """``raise_priority`` of the calling thread."""
    return raise_priority(threading.get_native_id(), priority)


def raise_priority(thread_id: int, priority: int) -> str:
    """Give a thread real-time priority, else a lower nice value; return which, in words.

    Threads that it starts inherit this. Both need a privilege, which Linux systems set up for music
    mostly grant (``rtprio`` and ``nice`` in limits.conf); without it, nothing changes.

    Args:
        thread_id: the system's id (``threading.get_native_id``) of a thread of this process.
    """
    if hasattr(os, "sched_setscheduler"):
        with contextlib.suppress(OSError):
            os.sched_setscheduler(thread_id, os.SCHED_RR, os.sched_param(priority))
            return "real-time"
    if hasattr(os, "setpriority"):
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, thread_id, NICENESS)
            return f"nice {NICENESS}"
    return "ordinary"


def lower_priority(niceness: int) -> None:
    """Run the calling thread after other programs, even if it has inherited a raised priority."""
    if hasattr(os, "sched_setscheduler"):
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    if hasattr(os, "setpriority"):
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)


@contextlib.contextmanager
def raised(priority: int) -> Iterator[None]:
    """Raise the priority of the calling thread, and of those it starts; restore it afterwards."""
    if not hasattr(os, "sched_setscheduler"):
        yield
        return
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    niceness = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    raise_own_priority(priority)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, policy, parameters)
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)
