"""``server.child`` whose engine or whole process hangs once a file says so.

HANG_FILE names the file: ``engine`` in it makes a call of the engine's thread never return,
``process`` never releases the interpreter's lock.
"""

from __future__ import annotations

import ctypes
import os
import sys
import time
from pathlib import Path

from export.audio.arrays import Floats
from server.child import main
from server.output.producer import Producer

FOREVER_S = 1_000_000


def hang(word: str) -> None:
    """Never return."""
    if word == "engine":
        time.sleep(FOREVER_S)
    ctypes.PyDLL(None).sleep(FOREVER_S)


def hanging(render: object) -> object:
    def rendered(self: Producer) -> Floats:
        asked = Path(os.environ["HANG_FILE"])
        if asked.exists():
            word = asked.read_text()
            asked.unlink()  # the next instrument does not hang
            hang(word)
        return render(self)  # type: ignore[operator]

    return rendered


if __name__ == "__main__":
    Producer._render = hanging(Producer._render)  # type: ignore[method-assign, assignment]
    sys.exit(main())
