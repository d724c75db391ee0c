"""Live input under jackd: a deck captures what another client plays."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

from tests import mini_bundle
from tests.real.jack_server import JackServer
from tests.real.test_live_jack import READY_S, Client, client_of, helper, until

HZ = 1230.0
RATE_HZ = mini_bundle.RATE_HZ


@contextmanager
def listening(jack: JackServer, bundle: Path, tapped: Path) -> Iterator[Client]:
    """A server whose input is a sine; at the end ``tapped`` holds the sound it played."""
    arguments = ["--bundle", bundle, "--osc", "127.0.0.1:0", "--midi", "none"]
    arguments += ["--output", "null", "--input", "default", "--set", "/level=0", "--block", "4"]
    with (
        helper("jack_player", HZ) as tone,
        helper("tapped_server", tapped, *arguments) as server,
        client_of(server) as client,
    ):
        tone.wait_for("playing")
        until(lambda: inputs(jack) != [])
        for port in inputs(jack):
            jack.connect("tone:out", port)
        yield client
        client.send("/quit")
        assert server.process.wait(timeout=READY_S) == 0


def inputs(jack: JackServer) -> list[str]:
    return [port for port in jack.connections() if port.startswith("PortAudio") and ":in_" in port]


def answer(client: Client, address: str, *arguments: float | str) -> OscMessage:
    """Send a command and return its final reply, skipping progress."""
    builder = OscMessageBuilder(address)
    for argument in arguments:
        builder.add_arg(argument)
    client.connection.send(builder.build().dgram)
    while True:
        message = OscMessage(client.connection.recv(65536))
        if message.address in ("/done", "/fail"):
            return message


@pytest.mark.timeout(240)
def test_a_deck_captures_and_plays_the_sound_of_another_client(
    jack: JackServer, bundle_path: Path, tmp_path: Path
) -> None:
    tapped = tmp_path / "played.npy"
    with listening(jack, bundle_path, tapped) as client:
        until(lambda: answer(client, "/deck/a/capture", 2.0).address == "/done")
        # The first capture may include the time before the tone.
        until(lambda: answer(client, "/deck/a/capture", 1.0).address == "/done")
        client.send("/deck/a/bypass", 1)
        until(lambda: client.ask("/deck/a/bypass") == [1])
        for share in (0.2, 0.7, 0.2, 0.7):  # of a loop of a second
            until(lambda share=share: 0 < client.ask("/position")[0] - share < 0.25)  # type: ignore
    played = np.load(tapped)[:, 0][-RATE_HZ // 2 : -RATE_HZ // 4]  # then it fades out
    spectrum = np.abs(np.fft.rfft(played * np.hanning(played.size)))
    assert abs(int(spectrum.argmax()) * RATE_HZ / played.size - HZ) <= 2 * RATE_HZ / played.size
    assert np.abs(played).max() > 0.05
    near = slice(int(spectrum.argmax()) - 4, int(spectrum.argmax()) + 5)
    assert (spectrum[near] ** 2).sum() > 0.9 * (spectrum**2).sum()
