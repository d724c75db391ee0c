"""The instrument's sign of life, as the parent watches it, to end a process that hangs as a whole.

Standard library only, like everything that the parent needs.
"""

from __future__ import annotations

import contextlib
import os

MOST_LOOKS = 50
"""Ten seconds of the parent's looks, which become rarer where the machine is busy."""


class Heartbeat:
    """Watches the time at which a process last wrote ``path``, once it has begun to."""

    def __init__(self, process_id: int, path: str, most_looks: int = MOST_LOOKS) -> None:
        self._process_id = process_id
        self._path = path
        self._most_looks = most_looks
        self._last_ns = self._written_ns()
        self._has_begun = False
        self._is_stopped = False
        self._looks = 0

    def is_gone(self) -> bool:
        """Look once; return whether too many looks found nothing new from a running process."""
        written_ns, previous_ns = self._written_ns(), self._last_ns
        self._last_ns = written_ns
        self._follow_stops()
        if written_ns != previous_ns or written_ns is None or self._is_stopped:
            self._has_begun |= written_ns != previous_ns
            self._looks = 0
        else:
            self._looks += self._has_begun
        return self._looks >= self._most_looks

    def _written_ns(self) -> int | None:
        try:
            return os.stat(self._path).st_mtime_ns
        except OSError:  # not yet, or the process is about to end
            return None

    def _follow_stops(self) -> None:
        """Notice SIGSTOP and SIGCONT: a process that somebody stopped does not hang."""
        with contextlib.suppress(ChildProcessError):
            wanted = os.WSTOPPED | os.WCONTINUED | os.WNOHANG
            while change := os.waitid(os.P_PID, self._process_id, wanted):
                self._is_stopped = change.si_code == os.CLD_STOPPED
