"""The sound card, through PortAudio.

The callback runs in PortAudio's thread and only copies from the ring, fills with zeros and
counts. An exception in it would end the stream for good, and its buffer comes uninitialised, so
it catches everything and always fills. PortAudio is loaded when an output is opened, not before:
loading it looks for devices.

A watchdog opens a stream anew that has died. Where even closing it does not return (PortAudio
waits ten minutes for a JACK server that has gone), there is no way back for this process: the
null output takes over, so that everything but the sound goes on.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
import threading
from typing import Any

from server.output_null import NullOutput
from server.outputs import NoSoundCard, OutputError
from server.ring import Ring

logger = logging.getLogger(__name__)

WATCH_S = 1.0
"""A stream that called back less than once in this time is dead."""

CLOSE_S = 3.0
"""A driver that needs longer to close a stream does not answer any more."""

_INSTALL = "apt-get install libportaudio2"


def load_portaudio() -> Any:
    """The ``sounddevice`` module.

    Raises:
        NoSoundCard: the system's PortAudio library is missing.
    """
    try:
        import sounddevice
    except OSError as error:
        raise NoSoundCard(f"PortAudio is missing; on Debian or Ubuntu: {_INSTALL}") from error
    return sounddevice


def output_devices(portaudio: Any) -> list[str]:
    """One line for each device that plays: number, name, API, channels, rate."""
    apis = portaudio.query_hostapis()
    return [
        f"{index} {device['name']} ({apis[device['hostapi']]['name']}, "
        f"{device['max_output_channels']} channels, {device['default_samplerate']:g} Hz)"
        for index, device in enumerate(portaudio.query_devices())
        if device["max_output_channels"] > 0
    ]


class SoundCardOutput:
    """One output stream; mono is played on the first two channels.

    It runs at ``preferred_rate_hz`` where the device can, else at the device's own rate.

    Raises:
        NoSoundCard: there is no device at all.
        OutputError: none is called ``device``, or it has too few channels.
    """

    def __init__(
        self,
        portaudio: Any,
        device: str | None,
        preferred_rate_hz: float,
        channels: int,
        watch_s: float = WATCH_S,
        close_s: float = CLOSE_S,
    ) -> None:
        found = _find(portaudio, device)
        self.name = str(found["name"])
        self.underruns = 0
        self.device_xruns = 0
        self.restarts = 0
        self.latency_s = 0.0
        self._portaudio = portaudio
        self._device = device
        self._channels = min(max(channels, 2), int(found["max_output_channels"]))
        if self._channels < channels:
            raise OutputError(
                f"sound card '{self.name}' has {self._channels} channels, the model {channels}"
            )
        self.sample_rate_hz = self._usable_rate(found, preferred_rate_hz)
        self._watch_s = watch_s
        self._close_s = close_s
        self._stand_in: NullOutput | None = None
        self._callbacks = 0
        self._ring: Ring | None = None
        self._stream: Any = None
        self._stopping = threading.Event()
        self._watchdog = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def start(self, ring: Ring) -> None:
        """Begin to take samples.

        Raises:
            OutputError: the device does not start.
        """
        self._ring = ring
        try:
            self._open()
        except Exception as error:  # PortAudioError, or what the host API raises
            raise OutputError(f"sound card '{self.name}' does not start ({error})") from error
        self._watchdog.start()

    def stop(self) -> None:
        """End; may be called twice."""
        self._stopping.set()
        if self._watchdog.is_alive():
            self._watchdog.join()
        if self._stand_in is not None:
            self._stand_in.stop()
        elif not self._close():
            atexit.register(_leave_at_once)

    def _open(self) -> None:
        stream = self._portaudio.OutputStream(
            samplerate=self.sample_rate_hz,
            blocksize=0,
            device=_identified(self._device),
            channels=self._channels,
            dtype="float32",
            latency="low",
            callback=self._callback,
        )
        self._stream = stream
        stream.start()
        self.latency_s = float(stream.latency)

    def _close(self) -> bool:
        """Close the stream; False where the driver does not answer."""
        stream, self._stream = self._stream, None
        if stream is None:
            return True
        closing = threading.Thread(target=_close_stream, args=(stream,), daemon=True)
        closing.start()
        closing.join(self._close_s)
        return not closing.is_alive()

    def _callback(self, outdata: Any, frames: int, time: Any, status: Any) -> None:
        """PortAudio's thread: copy, fill with zeros, count; nothing else."""
        try:
            self._callbacks += 1
            ring = self._ring
            assert ring is not None
            count = ring.read_into(outdata[:, : ring.channels])
            if ring.channels == 1:
                outdata[:count, 1:] = outdata[:count, :1]
            outdata[count:] = 0
            self.underruns += count < frames
            self.device_xruns += bool(status and status.output_underflow)
        except Exception:
            outdata.fill(0)
            self.underruns += 1

    def _watch(self) -> None:
        """Open the stream anew when its callbacks cease."""
        seen = -1
        while not self._stopping.wait(self._watch_s):
            if self._callbacks != seen:
                seen = self._callbacks
                continue
            logger.warning("sound card '%s' stopped calling; opening it again", self.name)
            self.restarts += 1
            if not self._close():
                self._give_up()
                return
            try:
                self._open()
            except Exception as error:
                logger.warning("sound card '%s' does not start (%s)", self.name, error)

    def _give_up(self) -> None:
        """The driver is gone for good; go on without sound."""
        logger.warning(
            "sound card '%s' does not answer any more; playing on without sound, start the "
            "program again to hear it",
            self.name,
        )
        atexit.register(_leave_at_once)
        assert self._ring is not None
        self._stand_in = NullOutput(self.sample_rate_hz)
        self._stand_in.start(self._ring)

    def _usable_rate(self, found: Any, preferred_rate_hz: float) -> float:
        try:
            self._portaudio.check_output_settings(
                device=found["index"],
                channels=self._channels,
                dtype="float32",
                samplerate=preferred_rate_hz,
            )
        except Exception:  # PortAudioError: this rate is not to be had
            return float(found["default_samplerate"])
        return float(preferred_rate_hz)


def _find(portaudio: Any, device: str | None) -> Any:
    """PortAudio's description of the device asked for, or of the default one."""
    if not output_devices(portaudio):
        raise NoSoundCard("PortAudio finds no sound card")
    try:
        return portaudio.query_devices(_identified(device), "output")
    except Exception as error:  # ValueError, PortAudioError
        if device is None:
            raise NoSoundCard(f"there is no default sound card ({error})") from error
        known = "; ".join(output_devices(portaudio))
        raise OutputError(f"no sound card '{device}'; there are: {known}") from error


def _identified(device: str | None) -> str | int | None:
    """A device's number or name as ``sounddevice`` wants it."""
    return int(device) if device is not None and device.isdigit() else device


def _close_stream(stream: Any) -> None:
    try:
        stream.close()
    except Exception as error:
        logger.debug("closing the sound card failed: %s", error)


def _leave_at_once() -> None:
    """At the end of the program: do not wait for PortAudio, which waits for the driver."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
