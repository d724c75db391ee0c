"""Playing before other work: where the system allows it, as on machines set up for JACK.

The audio callback must have the interpreter's lock. Any thread of ours that holds it and is put
aside for another program makes the callback late, so all of them go before other programs, and
the engine's before the hands'.
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
    """Put a thread into the real-time class, else make it less nice; what became of it.

    Threads started by it inherit that. Both need a privilege, which whoever makes music on Linux
    mostly has (``rtprio`` and ``nice`` in limits.conf); without, nothing changes.

    Args:
        thread_id: as the system counts threads (``threading.get_native_id``), of this process.
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
    """The calling thread after other programs; for a process that may have inherited more."""
    if hasattr(os, "sched_setscheduler"):
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    if hasattr(os, "setpriority"):
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)


@contextlib.contextmanager
def raised(priority: int) -> Iterator[None]:
    """The calling thread, and those it starts meanwhile, with ``priority``; then as before."""
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
