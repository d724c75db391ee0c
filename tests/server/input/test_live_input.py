"""Live input: the newest seconds, and a clear error where the device or the sound is missing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from server.controls.addresses import LONGEST_CAPTURE_S
from server.input.capture_ring import MARGIN_S, CaptureRing
from server.input.input_process import NotOpened, Opened, open_stream, serve
from server.input.live_input import InputError, LiveInput
from server.output.portaudio import input_devices

RATE = 1000


def ring_of(rate_hz: float = RATE) -> CaptureRing:
    ring = CaptureRing()
    ring.fit(rate_hz)
    return ring


def counted(start: int, samples: int, channels: int = 1) -> np.ndarray:
    """Samples equal to their own index, on each channel."""
    return np.repeat(np.arange(start, start + samples, dtype=np.float32)[:, None], channels, 1)


@pytest.mark.parametrize("block", [1, 128, 4097, 100_000])
def test_the_newest_samples_come_back_in_order(block: int) -> None:
    ring, written = ring_of(), 0
    while written < 150_000:
        size = min(block, 150_000 - written)
        ring.write(counted(written, size), 0.0)
        written += size
        if block == 1 and written == 3000:
            break
    assert ring.written == written
    for samples in (1, 500, 2999):
        wanted = counted(written - samples, samples)[:, 0]
        np.testing.assert_array_equal(ring.last(samples), wanted)


def test_no_more_samples_come_back_than_were_written() -> None:
    ring = ring_of()
    assert ring.last(10).size == 0
    ring.write(counted(0, 7), 0.0)
    np.testing.assert_array_equal(ring.last(10), np.arange(7))


def test_two_channels_become_their_mean_and_one_is_kept() -> None:
    ring = ring_of()
    ring.write(np.array([[1.0, 0.0], [0.5, 0.5]], np.float32), 0.0)
    np.testing.assert_array_equal(ring.last(2), [0.5, 0.5])
    ring.write(np.array([[0.25]], np.float32), 0.0)
    np.testing.assert_array_equal(ring.last(1), [0.25])


def test_the_longest_capture_is_contiguous_while_writing_goes_on() -> None:
    ring = ring_of()
    longest, stopping = round(LONGEST_CAPTURE_S * RATE), threading.Event()
    ring.write(counted(0, longest), 0.0)

    def write() -> None:
        start = longest
        while not stopping.is_set():
            ring.write(counted(start, 64), 0.0)
            start += 64

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for _ in range(20):
            before = ring.written
            heard = ring.last(longest)
            if ring.written - before < MARGIN_S * RATE:
                assert (np.diff(heard) == 1).all()
    finally:
        stopping.set()
        thread.join()


class FakeListener:
    def __init__(self) -> None:
        self.ring = ring_of()
        self.device = Opened("Fake Mic", RATE, 1)
        self.ended = False

    def end(self) -> None:
        self.ended = True


class Rig:
    """A live input whose devices and clock the test controls."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.listeners: list[FakeListener] = []
        self.gone = False
        self.input = LiveInput("mic", self._start, lambda: self.now_s)

    def _start(self, device: str) -> Any:
        if self.gone:
            raise InputError("gone")
        self.listeners.append(FakeListener())
        return self.listeners[-1]

    def hear(self, seconds: float) -> None:
        self.now_s += seconds
        ring = self.listeners[-1].ring
        ring.write(counted(ring.written, round(seconds * RATE)), self.now_s)

    def settle(self) -> None:
        assert self.input._reopening is not None
        self.input._reopening.join()


def test_the_last_seconds_are_captured_at_the_device_rate() -> None:
    rig = Rig()
    rig.input.open()
    rig.hear(20.0)
    captured = rig.input.capture(8.0)
    assert (captured.rate_hz, captured.name) == (RATE, "capture of Fake Mic")
    np.testing.assert_array_equal(captured.samples, np.arange(12_000, 20_000))
    assert rig.input.capture(60.0).samples.size == 20_000


def test_without_an_input_no_device_is_opened_and_a_capture_says_what_to_do() -> None:
    live = LiveInput(None, lambda device: pytest.fail("opened unasked"))
    live.open()
    assert live.description == "none"
    with pytest.raises(InputError, match="--input DEVICE"):
        live.capture(8.0)
    live.stop()


def test_a_capture_needs_at_least_half_a_second() -> None:
    rig = Rig()
    rig.input.open()
    rig.hear(0.4)
    with pytest.raises(InputError, match=r"0\.40 s were captured so far; at least 0\.5 s"):
        rig.input.capture(8.0)
    rig.hear(0.1)
    assert rig.input.capture(8.0).samples.size == 500


def test_a_lost_device_is_reported_and_reopened() -> None:
    rig = Rig()
    rig.input.open()
    rig.hear(10.0)
    rig.now_s += 1.5
    rig.gone = True
    with pytest.raises(InputError, match="'mic' delivers nothing"):
        rig.input.capture(8.0)
    rig.settle()
    assert rig.listeners[0].ended and rig.input.description == "none"
    rig.gone = False
    with pytest.raises(InputError, match="delivers nothing"):
        rig.input.capture(8.0)
    rig.settle()
    rig.hear(1.0)
    assert rig.input.capture(8.0).samples.size == 1000  # and nothing from before
    rig.input.stop()
    assert rig.listeners[1].ended


class FakeInputs:
    """Fake inputs with the part of ``sounddevice``'s interface that the server uses."""

    def __init__(self, channels: int = 8, rate_hz: float = 44_100.0) -> None:
        names = {"Speakers": 0, "Mic": channels}
        self._devices = [
            {"name": name, "hostapi": 0, "max_input_channels": n, "default_samplerate": rate_hz}
            for name, n in names.items()
        ]
        self.streams: list[Any] = []

    def query_hostapis(self) -> list[dict[str, Any]]:
        return [{"name": "Fake"}]

    def query_devices(self, device: Any = None, kind: str | None = None) -> Any:
        if kind is None:
            return self._devices
        if device in (None, 1, "Mic"):
            return self._devices[1]
        raise ValueError(f"No input device matching {device!r}")

    def InputStream(self, *, callback: Callable[..., None], **settings: Any) -> Any:
        stream = SimpleNamespace(**settings, callback=callback, running=False)
        stream.start = lambda: setattr(stream, "running", True)
        stream.abort = lambda: setattr(stream, "running", False)
        self.streams.append(stream)
        return stream


@pytest.mark.parametrize("device", ["default", "1", "Mic"])
@pytest.mark.parametrize(("has", "taken"), [(1, 1), (2, 2), (8, 2)])
def test_a_device_is_opened_at_its_own_rate_with_at_most_two_channels(
    device: str, has: int, taken: int
) -> None:
    portaudio, ring = FakeInputs(has), CaptureRing()
    stream, opened = open_stream(portaudio, ring, device)
    assert opened == Opened("Mic", 44_100.0, taken)
    assert (stream.samplerate, stream.channels, stream.running) == (44_100.0, taken, True)
    stream.callback(counted(0, 100, taken), 100, None, None)
    np.testing.assert_array_equal(ring.last(100), np.arange(100))


def test_a_callback_never_raises() -> None:
    portaudio, ring = FakeInputs(), CaptureRing()
    stream, _ = open_stream(portaudio, ring, "default")
    stream.callback(None, 100, None, None)
    stream.callback(np.zeros((4, 7), np.float32), 4, None, None)
    assert ring.written == 0


class FakePipe:
    """Keeps what was sent; its other end is closed already."""

    def __init__(self) -> None:
        self.sent: list[Any] = []

    def send(self, said: Any) -> None:
        self.sent.append(said)

    def recv(self) -> Any:
        raise EOFError


@pytest.mark.parametrize(
    ("portaudio", "device", "words"),
    [
        (FakeInputs(), "Speakers of the neighbour", "No input device"),
        (FakeInputs(rate_hz=384_000.0), "default", "at most 192000"),
        (FakeInputs(rate_hz=0.0), "default", "0 Hz"),
    ],
)
def test_a_device_that_cannot_be_opened_is_reported_in_one_line(
    portaudio: Any, device: str, words: str
) -> None:
    pipe: Any = FakePipe()
    serve(pipe, CaptureRing(), device, lambda: portaudio)
    (answer,) = pipe.sent
    assert isinstance(answer, NotOpened)
    assert words in answer.reason and "\n" not in answer.reason


def test_the_input_process_listens_until_its_pipe_closes() -> None:
    portaudio, pipe = FakeInputs(), FakePipe()
    serve(pipe, CaptureRing(), "default", lambda: portaudio)  # type: ignore[arg-type]
    assert pipe.sent == [Opened("Mic", 44_100.0, 2)]
    assert not portaudio.streams[0].running


def test_only_devices_with_input_channels_are_listed() -> None:
    assert input_devices(FakeInputs(2)) == ["1 Mic (Fake, 2 channels, 44100 Hz)"]


def test_an_unknown_device_fails_with_one_line() -> None:
    live = LiveInput("no such device")
    with pytest.raises(InputError, match=r"--input no such device: .*--list-devices") as caught:
        live.open()
    assert "\n" not in str(caught.value)
