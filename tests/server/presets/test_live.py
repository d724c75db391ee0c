"""Presets of the running program: on the disk once it answers, even if it is killed then."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from tests.server.live_server import Playing, playing

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")

ONE_PROCESS = (sys.executable, "-m", "server", "--no-supervisor")


def ask(server: Playing, address: str, *arguments: float | str) -> list[object]:
    message = server.ask(address, *arguments)
    assert message.address in ("/done", address), message.params
    return list(message.params)


@pytest.mark.timeout(300)
def test_a_saved_preset_survives_a_kill(bundle_path: Path, tmp_path: Path) -> None:
    config = ("--config", str(tmp_path / "config"))
    with playing(bundle_path, *config, command=ONE_PROCESS) as server:
        server.tell("/pitch", 3.0)
        assert ask(server, "/preset/save", "verse / été") == ["/preset/save", "verse / été", 0]
        server.process.send_signal(signal.SIGKILL)
        server.process.wait()
    with playing(bundle_path, *config, command=ONE_PROCESS) as server:
        assert ask(server, "/preset/load", "verse / été") == ["/preset/load", "verse / été"]
        assert ask(server, "/pitch") == [3.0]
        server.tell("/pitch", 0.0)
        assert ask(server, "/preset/morph", "verse / été", 0.1)[0] == "/preset/morph"
        while ask(server, "/pitch") != [3.0]:
            pass
        assert ask(server, "/quit") == ["/quit"]
        assert server.process.wait(60) == 0
