"""The instrument as ``server.supervision.supervisor`` starts it: LIFELINE GO FOLDER ARGUMENTS...

It keeps its state in FOLDER and ends when the parent has gone. It loads all it can, then waits for
a byte on GO: the first instrument gets it at once, a hot standby when the playing one has died. A
standby that is still loading by then, while nothing sounds, goes on loading with priority.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
import time
from pathlib import Path

from server.supervision.protocol import ARRAYS, STATE
from server.system.priority import CONTROL_PRIORITY, raise_priority

FAREWELL_S = 5.0
"""For an end in good order when the parent has gone."""


def main() -> int:
    """Run the instrument; return its exit code."""
    lifeline, go, folder, *argv = sys.argv[1:]
    is_orphan, may_play = threading.Event(), threading.Event()
    loader_id = threading.get_native_id()
    for call, arguments in (
        (_end_with_parent, (int(lifeline), is_orphan)),
        (_wait_for_go, (int(go), Path(folder, STATE), loader_id, may_play)),
    ):
        threading.Thread(target=call, args=arguments, daemon=True).start()

    # The slowest part of starting: the threads above must not wait for it.
    from server.program import main as play
    from server.supervision.state_folder import StateFolder

    def wait() -> None:
        may_play.wait()

    code = play(argv, StateFolder(Path(folder), wait))
    if is_orphan.is_set():  # nobody else is left to do it
        shutil.rmtree(Path(folder, ARRAYS).resolve(), ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)
    return code


def _wait_for_go(go: int, state: Path, loader_id: int, may_play: threading.Event) -> None:
    """Set ``may_play`` at the byte; if music broke off, raise the loading thread's priority."""
    if not os.read(go, 1):
        os._exit(0)
    if state.exists():
        raise_priority(loader_id, CONTROL_PRIORITY)
    may_play.set()


def _end_with_parent(lifeline: int, is_orphan: threading.Event) -> None:
    os.read(lifeline, 1)  # nobody writes: it returns when the parent is no more
    is_orphan.set()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(FAREWELL_S)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
