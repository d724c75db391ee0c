"""Keeps what sound libraries print by themselves off the terminal.

libjack and ALSA write to the process's standard error when there is no server or no card; what
that means is told by us in one line. Lines of anybody else pass through.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
from collections.abc import Iterator

_STDERR = 2

_NOISE = (
    b"ALSA lib ",
    b"Cannot connect to server ",
    b"JackShmReadWritePtr",
    b"jack server is not running",
)
"""How the lines begin that libjack (jackd2) and alsa-lib print."""

_ONE_THREAD = threading.RLock()
"""Two threads that overlap would restore each other's file instead of the terminal."""


@contextlib.contextmanager
def hidden() -> Iterator[None]:
    """Hold back the whole process's standard error, then print what is no known noise.

    For short calls at the start only: a process started meanwhile inherits the held file.
    """
    with _ONE_THREAD, tempfile.TemporaryFile() as held:
        terminal = os.dup(_STDERR)
        os.dup2(held.fileno(), _STDERR)
        try:
            yield
        finally:
            os.dup2(terminal, _STDERR)
            os.close(terminal)
            held.seek(0)
            os.write(_STDERR, b"".join(line for line in held if not line.startswith(_NOISE)))
