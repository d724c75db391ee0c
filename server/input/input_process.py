"""The process that captures live input: its audio callback copies into a shared ring.

A separate interpreter, so that playing is not disturbed, and a hanging device ends with its
process.
"""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from server.input.capture_ring import CHANNELS, HIGHEST_RATE_HZ, CaptureRing
from server.output.portaudio import device_id, load_portaudio
from server.output.protocol import NoSoundCard
from server.system import library_output as native_noise

DEFAULT_DEVICE = "default"


@dataclass(frozen=True)
class Opened:
    """An open device."""

    name: str
    rate_hz: float
    channels: int


@dataclass(frozen=True)
class NotOpened:
    """A failure to open the device; ``reason`` is one line."""

    reason: str


def serve(
    pipe: Connection, ring: CaptureRing, device: str, load: Callable[[], Any] = load_portaudio
) -> None:
    """Open ``device``, report it, and write into ``ring`` until the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with native_noise.hidden():
            stream, opened = open_stream(load(), ring, device)
    except NoSoundCard as error:
        pipe.send(NotOpened(str(error)))
        return
    except Exception as error:  # PortAudioError, ValueError, or what the host API raises
        pipe.send(NotOpened(f"no input '{device}' ({' '.join(str(error).split())})"))
        return
    pipe.send(opened)
    with contextlib.suppress(EOFError, OSError):
        pipe.recv()
    stream.abort()


def open_stream(portaudio: Any, ring: CaptureRing, device: str) -> tuple[Any, Opened]:
    """Start a stream of ``device`` at the device's own rate."""
    asked = None if device == DEFAULT_DEVICE else device_id(device)
    found = portaudio.query_devices(asked, "input")
    rate_hz = float(found["default_samplerate"])
    if not 0 < rate_hz <= HIGHEST_RATE_HZ:
        raise ValueError(f"it runs at {rate_hz:g} Hz; at most {HIGHEST_RATE_HZ} can be captured")
    channels = min(int(found["max_input_channels"]), CHANNELS)
    ring.fit(rate_hz)

    def callback(samples: Any, frames: int, _: Any, status: Any) -> None:
        with contextlib.suppress(Exception):  # an exception would end the stream for good
            ring.write(samples, time.monotonic())

    stream = portaudio.InputStream(
        samplerate=rate_hz,
        blocksize=0,
        device=asked,
        channels=channels,
        dtype="float32",
        callback=callback,
    )
    stream.start()
    return stream, Opened(str(found["name"]), rate_hz, channels)
