"""A fake sound card with the part of ``sounddevice``'s interface that the server uses."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from types import SimpleNamespace
from typing import Any

import numpy as np


class FakePortAudioError(Exception):
    """The error that PortAudio raises."""


class FakePortAudio:
    """Devices as dictionaries; streams whose callback the test calls itself."""

    def __init__(
        self, rates_hz: tuple[float, ...] = (48_000.0,), channels: int = 4, devices: int = 1
    ) -> None:
        self.rates_hz = rates_hz
        self.streams: list[FakeStream] = []
        self.broken = False
        self.answering = Event()
        self.answering.set()
        self._devices = [
            {
                "name": f"Card {index}",
                "index": index,
                "hostapi": 0,
                "max_output_channels": channels,
                "default_samplerate": rates_hz[0],
            }
            for index in range(devices)
        ]

    def query_hostapis(self) -> list[dict[str, Any]]:
        return [{"name": "Fake"}]

    def query_devices(self, device: Any = None, kind: str | None = None) -> Any:
        if kind is None:
            return self._devices
        for known in self._devices:
            if device in (None, known["index"], known["name"]):
                return known
        raise ValueError(f"No output device matching {device!r}")

    def check_output_settings(self, *, samplerate: float, **_: Any) -> None:
        if samplerate not in self.rates_hz:
            raise FakePortAudioError("Invalid sample rate")

    def RawOutputStream(self, **settings: Any) -> FakeStream:
        if self.broken:
            raise FakePortAudioError("Device unavailable")
        self.streams.append(FakeStream(self.answering, **settings))
        return self.streams[-1]


class FakeStream:
    """One output stream; ``call`` plays the part of PortAudio's thread."""

    latency = 0.004

    def __init__(
        self, answering: Event, *, callback: Callable[..., None], channels: int, **settings: Any
    ) -> None:
        self.settings = {**settings, "channels": channels}
        self.is_running = False
        self.is_closed = False
        self._answering = answering
        self._callback = callback
        self._channels = channels

    def start(self) -> None:
        self.is_running = True

    def close(self) -> None:
        self._answering.wait()
        self.is_closed = True

    def call(self, frames: int, underflow: bool = False) -> np.ndarray:
        """The result of one callback in PortAudio's uninitialised buffer, (T, C)."""
        outdata = np.full((frames, self._channels), np.nan, np.float32)
        status = SimpleNamespace(output_underflow=True) if underflow else None
        self._callback(outdata.data if frames else bytearray(), frames, None, status)
        return outdata
