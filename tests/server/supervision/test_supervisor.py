"""The supervisor restarts an instrument that dies or hangs, but not one that ends normally."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import build_msg

from tests import mini_bundle
from tests.server.live_server import Playing, playing
from tests.waiting import until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")

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
    except OSError:  # not running, or not yet
        return False


def instrument(server: Playing) -> int:
    """The id of the process that is playing."""
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


def progress(server: Playing) -> object:
    server.tell("/deck/a/progress")
    return OscMessage(server.client.recv(65536)).params[0]


@pytest.mark.timeout(300)
def test_a_deck_whose_file_has_vanished_survives_every_crash_and_leaves_nothing(
    bundle_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch, music = tmp_path / "scratch", tmp_path / "music.wav"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    noise = 0.1 * np.random.default_rng(1).standard_normal((20 * mini_bundle.RATE_HZ, 2))
    soundfile.write(music, noise.clip(-0.3, 0.3), mini_bundle.RATE_HZ)
    with playing(bundle_path, "--deck-a", str(music)) as server:
        until(lambda: progress(server) == 1.0)
        (session,) = scratch.glob("latent-deck-*/*")
        until(lambda: bool([*session.glob("deck-a-*")]))
        music.unlink()
        for _ in range(2):
            time.sleep(1)
            os.kill(instrument(server), signal.SIGKILL)
            until(lambda: answers(server))
            drain(server)
            assert progress(server) == 1.0
        assert server.ask("/quit").params == ["/quit"]
        assert server.process.wait(timeout=PATIENCE_S) == 0
    assert not [*scratch.glob("latent-deck-*/*")]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("what", ["engine", "process"])
def test_an_instrument_that_hangs_is_restarted(
    what: str, bundle_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = tmp_path / "hang"
    monkeypatch.setenv("HANG_FILE", str(asked))
    command = (sys.executable, "-m", "tests.server.supervision.hanging_parent")
    with playing(bundle_path, "--set", "/interp=0.75", command=command) as server:
        first = instrument(server)
        time.sleep(0.5)
        (tmp_path / "asked").write_text(what)
        (tmp_path / "asked").rename(asked)
        until(lambda: not is_alive(first))
        until(lambda: answers(server))
        drain(server)
        assert instrument(server) != first
        assert server.ask("/interp").params == [0.75]
        assert server.ask("/quit").params == ["/quit"]
        assert server.process.wait(timeout=PATIENCE_S) == 0


@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_suspended_instrument_is_not_taken_for_hanging(bundle_path: Path) -> None:
    with playing(bundle_path) as server:
        first = instrument(server)
        os.kill(first, signal.SIGSTOP)
        time.sleep(12)
        os.kill(first, signal.SIGCONT)
        time.sleep(3)
        until(lambda: answers(server))
        drain(server)
        assert instrument(server) == first
        assert server.ask("/quit").params == ["/quit"]
        assert server.process.wait(timeout=PATIENCE_S) == 0


@pytest.mark.long
@pytest.mark.timeout(300)
def test_registered_clients_and_the_time_limit_survive_a_restart(bundle_path: Path) -> None:
    seconds, before_s = 30.0, 12.0
    with playing(bundle_path, "--seconds", str(seconds)) as server:
        began_s = time.monotonic()
        assert server.ask("/notify", 1).params == ["/notify", 0]
        time.sleep(before_s)
        os.kill(instrument(server), signal.SIGKILL)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.connect(server.client.getpeername())
            until(lambda: other_answers(other))
            other.send(_message("/level", -7.0))
            told = server.receive()
            assert (told.address, told.params) == ("/level", [-7.0])
            other.send(_message("/notify", 1))
            other.settimeout(30)
            assert OscMessage(other.recv(65536)).params == ["/notify", 1]
        assert server.process.wait(timeout=PATIENCE_S) == 0
        # Counting the seconds anew would take at least this long.
        assert time.monotonic() - began_s < before_s + seconds


def other_answers(client: socket.socket) -> bool:
    client.settimeout(0.2)
    client.send(_message("/version"))
    try:
        return bool(client.recv(65536))
    except OSError:
        return False


@pytest.mark.timeout(300)
def test_a_recording_goes_on_in_another_file_after_a_restart(
    bundle_path: Path, tmp_path: Path
) -> None:
    take = tmp_path / "take.flac"
    with playing(bundle_path, "--record", str(take), "--media", str(tmp_path)) as server:
        first = instrument(server)
        time.sleep(1)
        os.kill(first, signal.SIGKILL)
        until(lambda: answers(server))
        drain(server)
        on, name, _ = server.ask("/record").params
        assert (on, name) == (1, "take-2.flac")
        status = server.ask("/status").params
        assert dict(zip(status[::2], status[1::2], strict=True))["recording"] == "take-2.flac"
        assert server.ask("/record/stop").params == ["/record/stop", "take-2.flac"]
        assert soundfile.info(take).frames > 0.5 * mini_bundle.RATE_HZ
        assert soundfile.read(tmp_path / "take-2.flac")[0].any()
        assert server.ask("/quit").params == ["/quit"]
        assert server.process.wait(timeout=PATIENCE_S) == 0


@pytest.mark.timeout(300)
def test_the_instrument_plays_on_when_its_state_folder_disappears(bundle_path: Path) -> None:
    with playing(bundle_path) as server:
        first = instrument(server)
        shutil.rmtree(Path(f"/proc/{first}/cmdline").read_text().split("\0")[5])
        time.sleep(1)
        assert instrument(server) == first
        assert server.ask("/quit").params == ["/quit"]
        assert server.process.wait(timeout=PATIENCE_S) == 0


@pytest.mark.timeout(300)
def test_an_instrument_that_keeps_dying_is_given_up(bundle_path: Path) -> None:
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
def test_the_instrument_ends_with_its_supervisor(bundle_path: Path) -> None:
    with playing(bundle_path) as server:
        child = instrument(server)
        folder = Path(f"/proc/{child}/cmdline").read_text().split("\0")[5]
        assert Path(folder).name.startswith("latent-deck-")
        server.process.kill()
        server.process.wait()
        until(lambda: not is_alive(child))
        until(lambda: not Path(folder).exists())


def test_without_the_supervisor_there_is_one_process(bundle_path: Path) -> None:
    with playing(bundle_path, "--no-supervisor") as server:
        assert instrument(server) == server.process.pid
        assert server.ask("/quit").params == ["/quit"]
        assert server.process.wait(timeout=PATIENCE_S) == 0


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["--bundle", "/no/such.bundle"], 2), (["--version"], 0), (["--rate", "x"], 2)],
)
def test_exit_codes_are_passed_on_and_nothing_is_restarted(arguments: list[str], code: int) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "server", *arguments], capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == code
    assert "starting it again" not in ended.stderr
    assert "usage" not in ended.stderr


@pytest.mark.parametrize("module", ["server.supervision.supervisor", "server.output.card_process"])
def test_the_helper_processes_use_little_memory(module: str) -> None:
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


def _message(address: str, *values: float) -> bytes:
    return bytes(build_msg(address, list(values)).dgram)
