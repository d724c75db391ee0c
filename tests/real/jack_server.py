"""A JACK server without a sound card, under a name of its own, for the tests."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.real.needs import needs

REGISTRY = Path("/dev/shm/jack-shm-registry")
"""The registry with eight slots for all JACK servers of this machine."""

READY_WITHIN_S = 15.0
TRIES = 5


@dataclass(frozen=True)
class JackServer:
    """A running server; clients find it by ``JACK_DEFAULT_SERVER`` in the environment."""

    name: str
    sample_rate_hz: int
    period_samples: int
    process: subprocess.Popen[bytes]

    def connect(self, source: str, target: str) -> None:
        """Connect two ports by their full names."""
        _asked("jack_connect", source, target)

    def disconnect_all(self, source: str) -> None:
        """Disconnect a port from everything."""
        for target in self.connections()[source]:
            subprocess.run(["jack_disconnect", source, target], check=True, timeout=10)

    def connections(self) -> dict[str, list[str]]:
        """The connections of every port, by full name."""
        found: dict[str, list[str]] = {}
        for line in _asked("jack_lsp", "-c").splitlines():
            if line.startswith(" "):
                found[list(found)[-1]].append(line.strip())
            else:
                found[line] = []
        return found


@contextlib.contextmanager
def running(
    log: Path, sample_rate_hz: int = 48000, period_samples: int = 128, name: str = "latent-deck"
) -> Iterator[JackServer]:
    """Start jackd on its dummy driver, wait until it answers, and end it by its id.

    While it runs, ``JACK_DEFAULT_SERVER`` in this process names it, and no other server is started.
    """
    name = f"{name}-{os.getpid()}"
    before = dict(os.environ)
    os.environ |= {"JACK_DEFAULT_SERVER": name, "JACK_NO_START_SERVER": "1"}
    command = f"jackd -R -n {name} -d dummy -r {sample_rate_hz} -p {period_samples}"
    with log.open("wb") as output:
        process = subprocess.Popen(command.split(), stdout=output, stderr=output)
        server = JackServer(name, sample_rate_hz, period_samples, process)
        try:
            _wait_until_ready(process, log)
            yield server
        finally:
            _end(process)
            os.environ.clear()
            os.environ.update(before)


def forget_the_dead() -> None:
    """Free the registry slots of servers that were killed in earlier runs.

    A slot stays taken until a server of the same name starts, and the ninth server is refused with
    "Too many servers already active". While any server runs nothing is freed: its clients read it.
    """
    if not REGISTRY.exists():
        return
    needs("pgrep")
    if subprocess.run(["pgrep", "-x", "jackd|jackdbus"], capture_output=True).returncode == 1:
        REGISTRY.unlink(missing_ok=True)


def _asked(*command: str) -> str:
    """The output of a small JACK client; on a busy machine it may need several tries."""
    for _ in range(TRIES):
        asked = subprocess.run(command, timeout=10, capture_output=True, text=True)
        if asked.returncode == 0:
            return asked.stdout
    raise RuntimeError(f"{' '.join(command)} failed {TRIES} times: {asked.stderr}")


def _wait_until_ready(process: subprocess.Popen[bytes], log: Path) -> None:
    deadline_s = time.monotonic() + READY_WITHIN_S
    while subprocess.run(["jack_lsp"], capture_output=True, timeout=10).returncode != 0:
        if process.poll() is not None or time.monotonic() > deadline_s:
            raise RuntimeError(f"jackd does not answer:\n{log.read_text(errors='replace')}")
        time.sleep(0.05)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
