"""An instrument that hangs is found, and nothing else is mistaken for it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from server.controls import events
from server.supervision.heartbeat import Heartbeat
from server.supervision.state_folder import Facts, StateFolder
from server.supervision.state_keeper import INTERVAL_S, StateKeeper
from server.supervision.watch import STUCK_S, StuckWatch, Watch
from tests.server.control_inputs import ControlRig
from tests.waiting import until


class Thread:
    """A thread whose turns the test counts."""

    def __init__(self, block_s: float = 0.01) -> None:
        self.block_s = block_s
        self.turns = 0


def looks_until_stuck(block_s: float) -> int:
    thread = Thread(block_s)
    watch = StuckWatch(thread)
    thread.turns += 1
    return next(n for n in range(1000) if watch.is_stuck())


@pytest.mark.parametrize(("block_s", "seconds"), [(0.01, STUCK_S), (1.0, 2.0), (10.0, 20.0)])
def test_an_engine_that_does_not_move_for_a_while_is_stuck(block_s: float, seconds: float) -> None:
    assert looks_until_stuck(block_s) == pytest.approx(seconds / INTERVAL_S)


def test_a_slow_engine_is_not_stuck() -> None:
    thread = Thread()
    watch = StuckWatch(thread)
    for look in range(200):
        thread.turns += look % 8 == 0
        assert not watch.is_stuck()


class Rig:
    """A watch whose time the test passes."""

    def __init__(self, folder: Path) -> None:
        self.controls = controls = ControlRig()
        self.thread = Thread()
        self.later: list[Callable[[], None]] = []
        self.gave_up = 0
        keeper = StateKeeper(
            StateFolder(folder), controls.desk, controls.engine, controls.timeline, lambda: Facts(4)
        )
        self.watch = Watch(
            keeper, self.thread, lambda _, call: self.later.append(call), self.give_up
        )

    def give_up(self) -> None:
        self.gave_up += 1

    def pass_time(self) -> None:
        (call,), self.later = self.later, []
        call()


def test_a_stuck_engine_is_given_up_once_and_its_state_is_saved_until_then(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.watch.look()
    for _ in range(10):
        rig.thread.turns += 1
        rig.pass_time()
    while rig.later:
        rig.pass_time()
    assert rig.gave_up == 1
    assert StateFolder(tmp_path).read() is not None


def test_after_a_normal_end_no_state_is_left(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.watch.look()
    rig.watch.end()
    rig.pass_time()
    assert not rig.later and StateFolder(tmp_path).read() is None
    rig.watch.end()


def test_a_missing_state_folder_is_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rig = Rig(tmp_path / "gone")
    rig.watch.look()
    for _ in range(5):
        rig.thread.turns += 1
        rig.pass_time()
    assert caplog.text.count("the state cannot be kept") == 1
    assert not rig.gave_up


def test_the_heartbeat_goes_on_when_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    rig = Rig(tmp_path)
    rig.watch.look()
    os.utime(tmp_path / "state", (1, 1))

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("server.supervision.state_folder.write_plain", full)
    rig.controls.render(4)
    rig.controls.desk.apply([events.Stop()])
    rig.pass_time()
    assert "No space left on device" in caplog.text
    assert (tmp_path / "state").stat().st_mtime > 1
    assert [path.name for path in tmp_path.iterdir()] == ["state"]


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"]) as made:
        yield made
        made.kill()


needs_waitid = pytest.mark.skipif(not hasattr(os, "waitid"), reason="no waitid")


@needs_waitid
def test_the_heartbeat_is_gone_after_too_many_checks_without_a_beat(
    process: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    state = tmp_path / "state"
    state.touch()  # from the previous process
    pulse = Heartbeat(process.pid, str(state), most_looks=3)
    assert not any(pulse.is_gone() for _ in range(10))  # it is still loading
    beat(state)
    assert [pulse.is_gone() for _ in range(4)] == [False, False, False, True]
    beat(state)
    assert not pulse.is_gone()
    state.unlink()  # it wants to end
    assert not any(pulse.is_gone() for _ in range(10))


@needs_waitid
def test_a_suspended_process_keeps_its_heartbeat_while_suspended(
    process: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    state = tmp_path / "state"
    pulse = Heartbeat(process.pid, str(state), most_looks=3)
    beat(state)
    process.send_signal(signal.SIGSTOP)
    until(lambda: is_stopped(process.pid))
    assert not any(pulse.is_gone() for _ in range(10))
    process.send_signal(signal.SIGCONT)
    until(lambda: not is_stopped(process.pid))
    assert [pulse.is_gone() for _ in range(3)] == [False, False, True]
    process.kill()
    process.wait()
    assert pulse.is_gone()


def beat(state: Path) -> None:
    time.sleep(0.01)  # coarser than the clock of any file system here
    state.touch()


def is_stopped(process_id: int) -> bool:
    return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0] == "T"
