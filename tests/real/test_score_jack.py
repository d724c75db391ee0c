"""A performance under jackd, rendered from its score, gives the samples that the card got."""

from __future__ import annotations

import time
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
import soundfile

from server.models.default import open_bundle
from server.program import main
from tests.real import jack_server
from tests.real.needs import needs
from tests.real.test_live_jack import Client, client_of, helper

SECONDS = 8.0


def perform(client: Client) -> None:
    """Send some hundred changes by OSC at random moments."""
    random = np.random.default_rng(7)
    started_s = time.monotonic()
    while time.monotonic() - started_s < SECONDS:
        client.send("/interp/style", float(random.uniform()))
        client.send("/interp/structure", float(random.uniform()))
        client.send(f"/latent/{random.integers(16)}", float(random.uniform(-2, 2)))
        chance = random.uniform()
        if chance < 0.1:
            client.send("/position", float(random.uniform()))
        elif chance < 0.2:
            client.send("/speed", float(random.uniform(-2, 2)))
        elif chance < 0.25:
            client.send("/generate", float(random.uniform()))
        elif chance < 0.3:
            client.send("/gesture/random")
        elif chance < 0.35:
            client.send("/walk", float(random.uniform()))
        elif chance < 0.4:
            client.send("/pitch", float(random.uniform(-12, 12)))
        time.sleep(float(random.uniform(0, 0.06)))


@pytest.mark.timeout(300)
def test_rendering_the_score_gives_the_sound_that_the_card_got(tmp_path: Path) -> None:
    needs("jackd", "jack_lsp", "jack_connect")
    built_in = open_bundle(None)
    manifest = built_in.manifest
    tapped, score, again = (tmp_path / name for name in ("tap.npy", "take.jsonl", "again.wav"))
    shipped = resources.files("server") / "default.bundle"
    # At the model's rate, so that there is no resampler in between.
    with (
        resources.as_file(shipped) as bundle,
        jack_server.running(tmp_path / "jackd.log", manifest.sample_rate_hz, name="score"),
    ):
        arguments = ["--bundle", bundle, "--osc", "127.0.0.1:0", "--midi", "none"]
        with (
            helper("tapped_server", tapped, *arguments, "--score-out", score) as server,
            client_of(server) as client,
        ):
            perform(client)
            client.send("/quit")
            assert server.process.wait(timeout=60) == 0
    played = np.load(tapped)[:, 0]
    assert main(["--score", str(score), "--output", f"wav:{again}"]) == 0
    rendered = soundfile.read(again, dtype="float32")[0][:, 0]
    assert abs(len(rendered) - len(played)) <= 1  # the score holds its end
    played, rendered = played[manifest.latency_samples :], rendered[: -manifest.latency_samples]
    both = min(len(played), len(rendered))
    assert np.abs(played).max() > 0.01
    assert np.abs(played[:both] - rendered[:both]).max() <= 1e-4
