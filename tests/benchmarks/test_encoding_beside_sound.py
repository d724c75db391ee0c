"""Prints, without asserting, the late blocks while a file is encoded: ``-m benchmark -s``.

It measures the same time with and without encoding, since a machine has late blocks anyway.
"""

from __future__ import annotations

import time
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.server.live_server import Playing, playing

SECONDS = 30.0
RATE_HZ = 22_050


def figures(server: Playing) -> dict[str, float]:
    answer = server.ask("/status").params
    return dict(zip(answer[::2], answer[1::2], strict=True))


def watched(server: Playing, what: str) -> None:
    before = figures(server)
    time.sleep(SECONDS)
    after = figures(server)
    grown = {name: after[name] - before[name] for name in ("late_blocks", "underruns")}
    print(f"{what}: {grown} in {SECONDS:g} s, p99 so far {after['decode_p99_ms']:.2f} ms")


@pytest.mark.benchmark
@pytest.mark.timeout(600)
def test_print_late_blocks_while_a_file_is_encoded(tmp_path: Path) -> None:
    music = 0.1 * np.random.default_rng(0).standard_normal(2400 * RATE_HZ).clip(-3, 3)
    soundfile.write(tmp_path / "long.wav", music, RATE_HZ)
    shipped = resources.files("server") / "default.bundle"
    with (
        resources.as_file(shipped) as bundle,
        playing(bundle, "--media", str(tmp_path)) as server,
    ):
        watched(server, "nothing encoded")
        server.tell("/deck/d/load", "long.wav")
        watched(server, "a file encoded")
        assert server.ask("/deck/d/cancel").params == ["/deck/d/load", "cancelled"]
        assert server.receive().params == ["/deck/d/cancel", 1]
        watched(server, "nothing encoded")
