"""The instrument as ``server.supervision.supervisor`` starts it: LIFELINE GO FOLDER ARGUMENTS...

Ends when the parent has gone, and keeps its state in FOLDER. It loads all it can, then waits for a
byte on GO: the first one at once, a standby until the one that played has died.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
import time
from pathlib import Path

from server.program import main as play
from server.supervision.state_folder import StateFolder

FAREWELL_S = 5.0
"""For the end in good order when the parent has gone."""


def main() -> int:
    """Run; the exit code."""
    lifeline, go, folder, *argv = sys.argv[1:]
    is_orphan = threading.Event()
    threading.Thread(target=_end_with_parent, args=(int(lifeline), is_orphan), daemon=True).start()

    def wait() -> None:
        if not os.read(int(go), 1):
            os._exit(0)

    code = play(argv, StateFolder(Path(folder), wait))
    if is_orphan.is_set():
        shutil.rmtree(folder, ignore_errors=True)  # nobody else is left to do it
    return code


def _end_with_parent(lifeline: int, is_orphan: threading.Event) -> None:
    os.read(lifeline, 1)  # nobody writes: it returns when the parent is no more
    is_orphan.set()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(FAREWELL_S)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
