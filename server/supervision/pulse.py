"""Whether a process still keeps its state: the parent's look at one that may hang as a whole.

Standard library only, as all that the parent needs.
"""

from __future__ import annotations

import contextlib
import os

MOST_LOOKS = 50
"""Ten seconds of the parent's looks, which become rarer where the machine is busy."""


class Heartbeat:
    """The time at which a process last wrote ``path``, from its first time on."""

    def __init__(self, process_id: int, path: str, most_looks: int = MOST_LOOKS) -> None:
        self._process_id = process_id
        self._path = path
        self._most_looks = most_looks
        self._last_ns = self._written_ns()
        self._has_begun = False
        self._is_stopped = False
        self._looks = 0

    def is_gone(self) -> bool:
        """Look; whether it has written nothing for too many looks, and nobody has stopped it."""
        written_ns, before_ns = self._written_ns(), self._last_ns
        self._last_ns = written_ns
        self._follow_stops()
        if written_ns != before_ns or written_ns is None or self._is_stopped:
            self._has_begun |= written_ns != before_ns
            self._looks = 0
        else:
            self._looks += self._has_begun
        return self._looks >= self._most_looks

    def _written_ns(self) -> int | None:
        try:
            return os.stat(self._path).st_mtime_ns
        except OSError:  # not yet, or it wants to end
            return None

    def _follow_stops(self) -> None:
        """Learn of SIGSTOP and SIGCONT."""
        with contextlib.suppress(ChildProcessError):
            wanted = os.WSTOPPED | os.WCONTINUED | os.WNOHANG
            while told := os.waitid(os.P_PID, self._process_id, wanted):
                self._is_stopped = told.si_code == os.CLD_STOPPED
