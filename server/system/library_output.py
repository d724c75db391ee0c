"""Keeps messages of sound libraries off the terminal.

libjack and ALSA write to the process's standard error when there is no server or no card; our own
messages say so in one line. Other output passes.
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
"""The beginnings of lines that libjack (jackd2) and alsa-lib print."""

_ONE_THREAD = threading.RLock()
"""Two overlapping threads would restore each other's file instead of the terminal."""


@contextlib.contextmanager
def hidden() -> Iterator[None]:
    """Hold back the process's standard error, then print all but known noise.

    For short calls at the start only: a process started meanwhile inherits the redirection.
    """
    with _ONE_THREAD, tempfile.TemporaryFile() as captured:
        terminal = os.dup(_STDERR)
        os.dup2(captured.fileno(), _STDERR)
        try:
            yield
        finally:
            os.dup2(terminal, _STDERR)
            os.close(terminal)
            captured.seek(0)
            os.write(_STDERR, b"".join(line for line in captured if not line.startswith(_NOISE)))
