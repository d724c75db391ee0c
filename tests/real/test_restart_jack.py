"""The instrument is killed while it plays on a JACK card: heard again, at the same place."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from export.bundle import write_bundle
from tests import mini_bundle
from tests.real.jack_server import JackServer
from tests.real.test_soundcard_lost import heard
from tests.server.live import Playing
from tests.server.supervision.test_supervisor import answers, drain, instrument, playing, until


def has_standby(server: Playing) -> bool:
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
    return not children.exists() or len(children.read_text().split()) > 1


@pytest.mark.timeout(400)
def test_a_killed_instrument_is_heard_again(jack: JackServer, tmp_path: Path) -> None:
    bundle_path = tmp_path / "mini.bundle"
    write_bundle(bundle_path, mini_bundle.bundle())
    with playing(bundle_path, "--output", "soundcard", "--set", "/speed=0.001") as server:
        until(lambda: has_standby(server))
        time.sleep(5)  # until it has loaded
        assert heard(tmp_path) > 0.01
        position = server.ask("/position").params[0]
        first = instrument(server)
        began_s = time.monotonic()
        os.kill(first, signal.SIGKILL)
        until(lambda: "PortAudio:out_0" not in jack.connections())
        until(lambda: bool(jack.connections().get("PortAudio:out_0")))
        back_s = time.monotonic() - began_s
        assert heard(tmp_path) > 0.01
        until(lambda: answers(server))
        drain(server)
        print(f"a card again after {back_s:.2f} s", file=sys.stderr)
        assert server.ask("/position").params[0] == pytest.approx(position, abs=0.05)
        assert server.ask("/output").params == ["soundcard", "playing"]
        assert server.ask("/quit").params == ["/quit"]
        assert server.process.wait(timeout=60) == 0
