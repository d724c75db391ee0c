"""One output stream of a sound card, through PortAudio; its callback copies bytes from the ring.

The callback runs in PortAudio's thread and does nothing else. An exception in it would end the
stream for good, and its buffer is uninitialised, so it catches everything and always fills.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from server.output.portaudio import find_output, usable_rate_hz
from server.output.protocol import OutputError
from server.output.ring_reader import RingReader


@dataclass(frozen=True)
class CardRequest:
    """The requirements for a sound card; it must have at least ``channels`` channels.

    It must offer ``rate_hz``, if given, and should offer ``preferred_rate_hz``. ``may_be_mono``
    allows a card with a single channel.
    """

    device: str | None
    rate_hz: float | None
    preferred_rate_hz: float
    channels: int
    may_be_mono: bool
    latency: str | float


@dataclass(frozen=True)
class CardFound:
    """A sound card that meets a request."""

    index: int
    name: str
    rate_hz: float
    channels: int


def find_card(portaudio: Any, request: CardRequest) -> CardFound:
    """Find the card asked for.

    Raises:
        NoSoundCard: there is no device at all.
        OutputError: there is no such card, or it lacks the channels or the rate.
    """
    found = find_output(portaudio, request.device)
    available = int(found["max_output_channels"])
    channels = 1 if available == 1 and request.may_be_mono else request.channels
    if available < channels:
        raise OutputError(
            f"sound card '{found['name']}' has {available} channels, not the {channels} asked for"
        )
    rate_hz = usable_rate_hz(portaudio, found, channels, request.rate_hz, request.preferred_rate_hz)
    return CardFound(int(found["index"]), str(found["name"]), rate_hz, channels)


class CardStream:
    """A running stream that plays ``reader``'s ring.

    Raises:
        OutputError: the device does not start.
    """

    def __init__(
        self, portaudio: Any, card: CardFound, latency: str | float, reader: RingReader
    ) -> None:
        self._reader = reader
        try:
            self._stream = portaudio.RawOutputStream(
                samplerate=card.rate_hz,
                blocksize=0,
                device=card.index,
                channels=card.channels,
                dtype="float32",
                latency=latency,
                callback=self._callback,
            )
            self._stream.start()
        except Exception as error:  # PortAudioError, or what the host API raises
            raise OutputError(f"sound card '{card.name}' does not start ({error})") from error

    @property
    def latency_s(self) -> float:
        """Time from taking a sample to hearing it."""
        return float(self._stream.latency)

    def close(self) -> None:
        """Close the stream; may block forever where the driver is gone."""
        self._stream.close()

    def _callback(self, outdata: Any, frames: int, time: Any, status: Any) -> None:
        """Fill PortAudio's buffer, in its thread."""
        target = memoryview(outdata).cast("B")
        try:
            self._reader.fill(target, bool(status and status.output_underflow))
        except Exception:
            target[:] = bytes(len(target))
