"""An instrument on JACK that is killed or hangs is heard again, at the same position."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from export.bundle.archive import write_bundle
from tests import mini_bundle
from tests.real.jack_server import JackServer
from tests.real.test_live_jack import breaks, helper
from tests.real.test_soundcard_lost import heard
from tests.server.live_server import Playing, playing
from tests.server.supervision.test_supervisor import answers, drain, instrument, is_alive
from tests.waiting import until


def has_standby(server: Playing) -> bool:
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
    return not children.exists() or len(children.read_text().split()) > 1


@pytest.mark.timeout(400)
@pytest.mark.parametrize("how", ["is killed", "hangs"])
def test_an_instrument_that_died_is_heard_again(
    how: str, jack: JackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle_path, take, asked = (tmp_path / name for name in ("mini.bundle", "take.wav", "hang"))
    write_bundle(bundle_path, mini_bundle.bundle())
    monkeypatch.setenv("HANG_FILE", str(asked))
    command = (sys.executable, "-m", "tests.server.supervision.hanging_parent")
    arguments = ["--output", "soundcard", "--set", "/speed=0.001", "--record", str(take)]
    with playing(bundle_path, *arguments, command=command) as server:
        until(lambda: has_standby(server))
        time.sleep(5)  # until it has loaded
        assert heard(tmp_path) > 0.01
        position = server.ask("/position").params[0]
        first, began_s = instrument(server), time.monotonic()
        if how == "hangs":
            asked.write_text("engine")
        else:
            os.kill(first, signal.SIGKILL)
        until(lambda: not is_alive(first))
        until(lambda: answers(server))
        drain(server)
        until(lambda: bool(jack.connections().get("PortAudio:out_0")))
        back_s = time.monotonic() - began_s
        recorded, xruns = recording(tmp_path)
        assert np.abs(recorded).max() > 0.01
        print(f"a card again after {back_s:.2f} s", file=sys.stderr)
        assert server.ask("/position").params[0] == pytest.approx(position, abs=0.05)
        assert server.ask("/output").params == ["soundcard", "playing"]
        assert server.ask("/quit").params == ["/quit"]
        assert server.process.wait(timeout=60) == 0
    assert np.abs(soundfile.read(take)[0]).max() > 0.01
    rendered = soundfile.read(take.with_name("take-2.wav"), dtype="float32")[0][:, 0]
    assert breaks(recorded, rendered, jack.period_samples) <= 2 * xruns


def recording(folder: Path) -> tuple[np.ndarray, int]:
    """Record the server's port for a while; return the sound and the recorder's xruns."""
    with helper("jack_recorder", "PortAudio:out_0", 10, folder / "after.npy") as recorder:
        recorder.wait_for("recording")
        time.sleep(2)
        (xruns,) = recorder.last_numbers()
    return np.load(folder / "after.npy"), xruns
