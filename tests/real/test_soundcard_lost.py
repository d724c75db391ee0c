"""jackd is killed and restarted while the server plays, or starts late; the sound comes back."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.real import jack_server
from tests.real.needs import needs
from tests.real.test_live_jack import helper
from tests.server.live_server import Playing, playing
from tests.waiting import until

PATIENCE_S = 60.0


def heard(folder: Path) -> float:
    """The peak level at the server's port over a while."""
    recorded = folder / "heard.npy"
    with helper("jack_recorder", "PortAudio:out_0", 5, recorded) as recorder:
        recorder.wait_for("recording")
        time.sleep(1)
        recorder.last_numbers()
    return float(np.abs(np.load(recorded)).max())


def state(server: Playing) -> object:
    return server.ask("/output").params[1]


@pytest.mark.timeout(300)
def test_a_killed_jackd_is_reported_and_the_sound_returns_with_it(
    bundle_path: Path, tmp_path: Path
) -> None:
    needs("jackd", "jack_lsp", "jack_connect")
    log, name = tmp_path / "jackd.log", "latent-deck-lost"
    with (
        jack_server.running(log, name=name) as jack,
        playing(bundle_path, "--output", "soundcard") as server,
    ):
        assert heard(tmp_path) > 0.01
        jack.process.kill()
        jack.process.wait()
        lost_s = until(lambda: state(server) == "lost")
        position = server.ask("/position").params[0]
        until(lambda: server.ask("/position").params[0] != position)  # time goes on
        with jack_server.running(log, name=name):
            back_s = until(lambda: state(server) == "playing")
            assert heard(tmp_path) > 0.01
            print(f"lost after {lost_s:.2f} s, back {back_s:.2f} s after jackd", file=sys.stderr)
            server.ask("/quit")
            assert server.process.wait(timeout=PATIENCE_S) == 0


@pytest.mark.timeout(300)
def test_a_sound_card_that_appears_late_is_used(
    bundle_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs("jackd", "jack_lsp", "jack_connect")
    name = "latent-deck-late"
    monkeypatch.setenv("JACK_DEFAULT_SERVER", f"{name}-{os.getpid()}")
    monkeypatch.setenv("JACK_NO_START_SERVER", "1")
    with playing(bundle_path, "--output", "soundcard") as server:
        assert state(server) == "lost"
        with jack_server.running(tmp_path / "jackd.log", name=name):
            until(lambda: state(server) == "playing")
            assert heard(tmp_path) > 0.01
            server.ask("/quit")
            assert server.process.wait(timeout=PATIENCE_S) == 0
