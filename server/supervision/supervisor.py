"""``python -m server``: a small parent that restarts the instrument when it dies while playing.

    parent (standard library only) --- starts, passes signals on ---> instrument
       |                                                                 |
       '--- folder in memory: the last state  <--- five times a second --'
       '--- folder on the disk: large arrays  <--- when a deck is loaded -'
       '--- hot standby: an instrument that has loaded everything and waits

Only an instrument that has played is restarted: an error in the command line ends the program with
its exit code, as does any end in good order. An instrument that hangs is ended and restarted too: a
stuck engine ends itself (``server.supervision.watch``), a process that does nothing at all is ended
by the parent (``server.supervision.heartbeat``). If the parent dies, the instrument ends as well
(``server.child``).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from types import FrameType

from server.supervision.heartbeat import Heartbeat
from server.supervision.protocol import ARRAYS, CRASHED, NO_SUPERVISOR, STATE
from server.system.session_folder import session_folder

CHILD = "server.child"
MOST_DEATHS, WITHIN_S = 5, 30.0
STANDBY_AFTER_S = 3.0
_LOOK_S = 0.2
_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")


def main(argv: Sequence[str]) -> int:
    """Run the instrument with the command line ``argv``; return the exit code."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    folder = tempfile.mkdtemp(prefix="latent-deck-", dir=memory)
    try:
        with session_folder() as arrays:
            if arrays is not None:
                os.symlink(arrays, os.path.join(folder, ARRAYS))
            return _Supervisor(argv, folder).run()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Instrument:
    """A process that loads everything, then waits until it may play."""

    def __init__(self, argv: Sequence[str], folder: str, lifeline: int) -> None:
        go_reader, self._go = os.pipe()
        try:
            # In a separate process group, so that Ctrl-C reaches the parent alone.
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    CHILD,
                    str(lifeline),
                    str(go_reader),
                    folder,
                    *argv,
                ],
                pass_fds=(lifeline, go_reader),
                process_group=0,
            )
        finally:
            os.close(go_reader)

    def play(self) -> None:
        """Let it begin; if it has died, the supervisor's next wait finds out."""
        with contextlib.suppress(BrokenPipeError):
            os.write(self._go, b"!")
        os.close(self._go)

    def end(self) -> None:
        """End an instrument that never played."""
        self.process.kill()
        self.process.wait()
        os.close(self._go)


class _Supervisor:
    """Holds the instrument that plays and the hot standby."""

    def __init__(self, argv: Sequence[str], folder: str) -> None:
        self._argv = argv
        self._folder = folder
        # Held open for as long as this process lives; the instruments read the other end.
        self._lifeline, self._held = os.pipe()
        self._standby: _Instrument | None = None
        self._is_ending = False
        self._instrument = self._start()

    def run(self) -> int:
        """Run until the instrument ends in good order, or dies too often; return the exit code."""
        for name in _SIGNALS:
            signal.signal(getattr(signal, name), self._pass_on)
        deaths: list[float] = []
        self._instrument.play()
        while True:
            code = self._wait()
            if self._is_ending or not self._has_played() or (code >= 0 and code != CRASHED):
                break
            deaths = [s for s in deaths if time.monotonic() - s < WITHIN_S] + [time.monotonic()]
            how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            if len(deaths) >= MOST_DEATHS:
                _say(
                    f"it died {MOST_DEATHS} times within {WITHIN_S:g} s ({how}); giving up; "
                    f"{NO_SUPERVISOR} shows it die once"
                )
                break
            _say(f"it died ({how}); starting it again with the last state")
            self._replace()
        if self._standby is not None:
            self._standby.end()
        return code if code >= 0 else 128 - code

    def _start(self) -> _Instrument:
        return _Instrument(self._argv, self._folder, self._lifeline)

    def _replace(self) -> None:
        standby, self._standby = self._standby, None
        if standby is None or standby.process.poll() is not None:
            standby = self._start()
        self._instrument = standby
        standby.play()

    def _wait(self) -> int:
        """Wait for the instrument's exit code; start a standby once it has played for a while."""
        began_s = time.monotonic()
        heartbeat = self._heartbeat()
        while True:
            try:
                return self._instrument.process.wait(_LOOK_S)
            except subprocess.TimeoutExpired:
                pass
            has_played_s = time.monotonic() - began_s if self._has_played() else 0.0
            if not self._standby and not self._is_ending and has_played_s > STANDBY_AFTER_S:
                self._standby = self._start()
            if heartbeat is not None and heartbeat.is_gone():
                _say("it hangs: no sign of life for 10 s")
                self._instrument.process.kill()

    def _heartbeat(self) -> Heartbeat | None:
        if not hasattr(os, "waitid"):  # a process that was stopped could not be told apart
            return None
        return Heartbeat(self._instrument.process.pid, os.path.join(self._folder, STATE))

    def _has_played(self) -> bool:
        return os.path.exists(os.path.join(self._folder, STATE))

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        self._is_ending = True
        self._instrument.process.send_signal(number)


def _say(line: str) -> None:
    print(f"python -m server: {line}", file=sys.stderr, flush=True)
