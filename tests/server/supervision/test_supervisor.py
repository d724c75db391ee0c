"""The instrument is killed while it plays, and plays on; what ends in good order stays ended."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pythonosc.osc_message_builder import build_msg

from tests.server.live import Playing, playing
from tests.waiting import until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc")

PATIENCE_S = 90.0


def is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]


def answers(server: Playing) -> bool:
    server.client.settimeout(0.2)
    try:
        return bool(server.ask("/version"))
    except OSError:  # nobody there, or not yet
        return False


def instrument(server: Playing) -> int:
    """The id of the process that plays."""
    status = server.ask("/status").params
    return int(dict(zip(status[::2], status[1::2], strict=True))["process_id"])


def drain(server: Playing) -> None:
    server.client.settimeout(1.0)
    try:
        while True:
            server.client.recv(65536)
    except TimeoutError:
        server.client.settimeout(30)


@pytest.mark.timeout(300)
def test_a_killed_instrument_plays_on_where_it_was(bundle_path: Path) -> None:
    with playing(bundle_path, "--deck-a", "high") as server:
        for address, value in (("/interp", 0.75), ("/speed", 0.001)):
            server.client.send(_message(address, value))
        assert server.ask("/sync", 1).params == [1]
        first = instrument(server)
        time.sleep(1)
        position = server.ask("/position").params[0]
        began_s = time.monotonic()
        os.kill(first, signal.SIGKILL)
        until(lambda: answers(server))
        print(f"answers again after {time.monotonic() - began_s:.2f} s")
        drain(server)
        assert instrument(server) != first
        assert server.ask("/interp").params == [0.75]
        assert server.ask("/position").params[0] == pytest.approx(position, abs=0.02)
        status = server.ask("/status").params
        assert dict(zip(status[::2], status[1::2], strict=True))["playing"] == 1
        assert server.ask("/quit").params == ["/quit"]
        assert server.process.wait(timeout=PATIENCE_S) == 0


@pytest.mark.timeout(300)
def test_one_that_dies_again_and_again_is_given_up(bundle_path: Path) -> None:
    with playing(bundle_path) as server:
        killed = {instrument(server)}
        children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
        while server.process.poll() is None:
            for child in children.read_text().split() if children.exists() else ():
                os.kill(int(child), signal.SIGKILL)
                killed.add(int(child))
            time.sleep(0.05)
        assert server.process.returncode == 128 + signal.SIGKILL
        assert len(killed) >= 5


@pytest.mark.timeout(300)
def test_it_ends_with_its_parent(bundle_path: Path) -> None:
    with playing(bundle_path) as server:
        child = instrument(server)
        folder = Path(f"/proc/{child}/cmdline").read_text().split("\0")[5]
        assert Path(folder).name.startswith("latent-deck-")
        server.process.kill()
        server.process.wait()
        until(lambda: not is_alive(child))
        until(lambda: not Path(folder).exists())


def test_without_it_there_is_one_process(bundle_path: Path) -> None:
    with playing(bundle_path, "--no-supervisor") as server:
        assert instrument(server) == server.process.pid
        assert server.ask("/quit").params == ["/quit"]
        assert server.process.wait(timeout=PATIENCE_S) == 0


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["--bundle", "/no/such.bundle"], 2), (["--version"], 0), (["--rate", "x"], 2)],
)
def test_exit_codes_are_kept_and_nothing_is_started_again(arguments: list[str], code: int) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "server", *arguments], capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == code
    assert "starting it again" not in ended.stderr
    assert "usage" not in ended.stderr


@pytest.mark.parametrize("module", ["server.supervision.supervisor", "server.output.card_process"])
def test_the_small_processes_stay_small(module: str) -> None:
    code = (
        f"import sys, {module}\n"
        "assert not {'numpy', 'onnxruntime', 'sounddevice'} & set(sys.modules)\n"
        "from pathlib import Path\n"
        "status = Path('/proc/self/status')\n"
        "print(status.read_text() if status.exists() else '')"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60
    ).stdout
    found = re.search(r"VmHWM:\s+(\d+) kB", said)
    assert found is None or int(found[1]) < 30_000


def _message(address: str, value: float) -> bytes:

    return bytes(build_msg(address, value).dgram)
