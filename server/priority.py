"""The engine's thread before other work: where the system allows it, as on machines with JACK."""

from __future__ import annotations

import contextlib
import os
import threading

REAL_TIME_PRIORITY = 5
"""Below the 10 and more of jackd and the audio callback, above everything ordinary."""

NICENESS = -10


def raise_own_priority() -> str:
    """Put the calling thread into the real-time class, else make it less nice; what became of it.

    Both need a privilege, which whoever makes music on Linux mostly has (``rtprio`` and ``nice``
    in limits.conf); without, nothing changes.
    """
    if hasattr(os, "sched_setscheduler"):
        with contextlib.suppress(OSError):
            policy = os.SCHED_RR | os.SCHED_RESET_ON_FORK
            os.sched_setscheduler(0, policy, os.sched_param(REAL_TIME_PRIORITY))
            return "real-time"
    if hasattr(os, "setpriority"):
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
            return f"nice {NICENESS}"
    return "ordinary"
