"""Playing live under jackd: no dropouts while controls move, and the card gets every sample."""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import mido
import numpy as np
import pytest
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

from export.bundle.archive import write_bundle
from tests import mini_bundle
from tests.real import jack_server
from tests.real.jack_server import JackServer
from tests.waiting import until

SECONDS = float(os.environ.get("LATENT_DECK_LIVE_SECONDS", "30"))
TAKES = 5
"""A virtual machine's host may stall one processor for 30 ms while the sine runs on another."""

SWEEPS_HZ = 50
READY_S = 60
ASK_AGAIN_S = 5


@dataclass
class Helper:
    """A helper process that ends when its standard input closes."""

    process: subprocess.Popen[str]

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Read lines until one matches ``pattern``."""
        assert self.process.stdout is not None
        said = ""
        for line in self.process.stdout:
            said += line
            if found := re.match(pattern, line):
                return found
        raise AssertionError(f"it ended without '{pattern}':\n{said}")

    def mark(self) -> None:
        """Send the process a line."""
        assert self.process.stdin is not None
        self.process.stdin.write("from here\n")
        self.process.stdin.flush()

    def last_numbers(self) -> list[int]:
        """End the process and return the numbers it prints last."""
        said, _ = self.process.communicate(timeout=READY_S)
        return [int(word) for word in said.splitlines()[-1].split()]


@contextlib.contextmanager
def helper(module: str, *arguments: object) -> Iterator[Helper]:
    python = [sys.executable, "-X", "faulthandler"]
    command = [*python, "-m", f"tests.real.{module}", *map(str, arguments)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Helper(process)
        except BaseException:
            process.send_signal(signal.SIGABRT)  # prints what each of its threads is doing
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=10)
            raise
        finally:
            if process.poll() is None:
                process.kill()


@dataclass
class Client:
    """An OSC client."""

    connection: socket.socket

    def send(self, address: str, *arguments: float) -> None:
        builder = OscMessageBuilder(address)
        for argument in arguments:
            builder.add_arg(argument)
        self.connection.send(builder.build().dgram)

    def ask(self, address: str) -> list[object]:
        """Query ``address``; repeated without a reply, since UDP may lose either packet."""
        for _ in range(READY_S // ASK_AGAIN_S):
            self.send(address)
            if select.select([self.connection], [], [], ASK_AGAIN_S)[0]:
                return list(OscMessage(self.connection.recv(65536)).params)
        raise TimeoutError(f"no answer to {address} in {READY_S} s")

    def status(self) -> dict[str, float]:
        answer = self.ask("/status")
        return dict(zip(answer[::2], answer[1::2], strict=True))  # type: ignore[arg-type]


@contextlib.contextmanager
def client_of(server: Helper) -> Iterator[Client]:
    found = server.wait_for(r"OSC on (.*):(\d+)$")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
        connection.settimeout(READY_S)
        connection.connect((found[1], int(found[2])))
        server.wait_for("playing")
        yield Client(connection)


@dataclass(frozen=True)
class Take:
    """The results of one run."""

    underruns: float
    sine_underruns: int
    xruns: int
    osc_received: float
    midi_received: float
    rendered: np.ndarray
    recorded: np.ndarray


def play(jack: JackServer, bundle: Path, folder: Path, seconds: float) -> Take:
    """Play, sweep controls by OSC and MIDI, and record; a sine plays beside it as a reference."""
    tapped, recorded = folder / "rendered.npy", folder / "recorded.npy"
    arguments = ["--bundle", bundle, "--osc", "127.0.0.1:0", "--set", "/level=0"]
    backend = mido.Backend("mido.backends.rtmidi/UNIX_JACK")
    with (
        backend.open_output("out", virtual=True, client_name="knobs") as knobs,
        helper("tapped_server", tapped, *arguments) as server,
        client_of(server) as client,
        helper("sine_player", *block_of(client)) as sine,
    ):
        sine.wait_for("playing")
        until(lambda: len(jack.connections().get("knobs:out", [])) > 0)
        recorder_arguments = ("PortAudio:out_0", seconds + READY_S, recorded)
        with helper("jack_recorder", *recorder_arguments) as recorder:
            recorder.wait_for("recording")
            sine.mark()
            before = client.status()
            sweep(client, knobs, seconds)
            status = client.status()
            (sine_underruns, sine_xruns), (xruns,) = sine.last_numbers(), recorder.last_numbers()
        client.send("/quit")
        assert server.process.wait(timeout=READY_S) == 0
    dropouts = {name: status[name] - before[name] for name in ("underruns", "device_xruns")}
    print(f"{dropouts}, of the sine {sine_underruns} and {sine_xruns}, recorder {xruns}; {status}")
    return Take(
        underruns=dropouts["underruns"],
        sine_underruns=sine_underruns,
        xruns=xruns,
        osc_received=status["osc_received"],
        midi_received=status["midi_received"],
        rendered=np.load(tapped)[:, 0],
        recorded=np.load(recorded),
    )


def block_of(client: Client) -> tuple[int, int, float]:
    """The server's sample rate, block size and decoding time in ms, for the sine."""
    status = client.status()
    return int(status["model_rate_hz"]), int(status["block_samples"]), status["decode_p50_ms"]


def sweep(client: Client, knobs: mido.ports.BaseOutput, seconds: float) -> None:
    """Sweep ``/interp`` by OSC and a style offset by MIDI, 50 times a second each."""
    started_s = time.monotonic()
    for step in range(int(seconds * SWEEPS_HZ)):
        turn = step / SWEEPS_HZ / 2
        client.send("/interp", abs(2 * (turn % 1) - 1))
        value = round(127 * abs(2 * (1.3 * turn % 1) - 1))
        knobs.send(mido.Message("control_change", control=17, value=value))
        time.sleep(max(started_s + (step + 1) / SWEEPS_HZ - time.monotonic(), 0))


def breaks(recorded: np.ndarray, rendered: np.ndarray, period: int) -> int:
    """The number of periods after which the recording does not continue in the rendered sound."""
    places = {rendered[i : i + 8].tobytes(): i for i in range(len(rendered) - period)}
    connected = int(np.flatnonzero(recorded)[0]) // period * period
    count, position = -1, -period
    for start in range(connected, len(recorded) - period, period):
        heard = recorded[start : start + period]
        if not np.array_equal(heard, rendered[position : position + period]):
            count += 1
            position = places.get(heard[:8].tobytes(), -2 * period)
        position += period
    return count


def check(take: Take, seconds: float, period: int) -> None:
    assert take.underruns <= take.sine_underruns
    assert take.osc_received >= seconds * SWEEPS_HZ
    assert take.midi_received >= 0.9 * seconds * SWEEPS_HZ
    # How much was recorded depends on the machine: JACK skips the periods it misses.
    assert len(take.recorded) >= 0.2 * seconds * 48_000
    assert np.abs(take.recorded).max() > 0.01
    # A period that the recorder or the card missed causes a break.
    assert breaks(take.recorded, take.rendered, period) <= 2 * (take.xruns + take.underruns)


def calmest_take(jack: JackServer, bundle: Path, folder: Path, seconds: float) -> Take:
    """The first take with no more underruns than the sine, or the last one."""
    for number in range(TAKES):
        take_folder = folder / f"take {number}"
        take_folder.mkdir()
        take = play(jack, bundle, take_folder, seconds)
        if take.underruns <= take.sine_underruns:
            break
    return take


@pytest.mark.timeout(TAKES * (SECONDS + 240))
def test_the_shipped_bundle_plays_without_dropouts_while_controls_move(
    jack: JackServer, tmp_path: Path
) -> None:
    shipped = resources.files("server") / "default.bundle"
    with resources.as_file(shipped) as bundle:
        take = calmest_take(jack, bundle, tmp_path, SECONDS)
    check(take, SECONDS, jack.period_samples)


@pytest.fixture
def unhurried_jack(jack: JackServer, tmp_path: Path) -> Iterator[JackServer]:
    """A second server with periods long enough for a recorder in Python on a busy machine."""
    with jack_server.running(tmp_path / "jackd.log", period_samples=1024, name="slow") as server:
        yield server


@pytest.mark.timeout(TAKES * 240)
@pytest.mark.parametrize("rate_hz", [48_000, 44_100])
def test_the_card_gets_the_rendered_sound_bit_for_bit(
    unhurried_jack: JackServer, tmp_path: Path, rate_hz: int
) -> None:
    made = mini_bundle.bundle(manifest=mini_bundle.manifest(sample_rate_hz=rate_hz))
    write_bundle(tmp_path / "mini.bundle", made)
    take = calmest_take(unhurried_jack, tmp_path / "mini.bundle", tmp_path, 5.0)
    check(take, 5.0, unhurried_jack.period_samples)
