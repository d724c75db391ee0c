"""PortAudio's devices: which there are, which is meant, what they offer.

PortAudio is loaded when it is asked for, not before: loading it looks for devices.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from server.output.protocol import NoSoundCard, OutputError

COMMON_RATES_HZ = (22_050, 32_000, 44_100, 48_000, 88_200, 96_000, 192_000)

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
    return _devices(portaudio, "max_output_channels")


def input_devices(portaudio: Any) -> list[str]:
    """One line for each device that can be listened to: number, name, API, channels, rate."""
    return _devices(portaudio, "max_input_channels")


def _devices(portaudio: Any, channels: str) -> list[str]:
    apis = portaudio.query_hostapis()
    return [
        f"{index} {device['name']} ({apis[device['hostapi']]['name']}, "
        f"{device[channels]} channels, {device['default_samplerate']:g} Hz)"
        for index, device in enumerate(portaudio.query_devices())
        if device[channels] > 0
    ]


def identified(device: str) -> str | int:
    """A device's number or name as ``sounddevice`` wants it."""
    return int(device) if device.isdigit() else device


def find_output(portaudio: Any, device: str | None) -> Mapping[str, Any]:
    """PortAudio's description of the device asked for, or of the default one.

    Raises:
        NoSoundCard: there is no device at all.
        OutputError: none is called ``device``, or several are.
    """
    if not output_devices(portaudio):
        raise NoSoundCard("PortAudio finds no sound card")
    meant = None if device is None else identified(device)
    try:
        found: Mapping[str, Any] = portaudio.query_devices(meant, "output")
    except Exception as error:  # ValueError, PortAudioError
        if device is None:
            raise NoSoundCard(f"there is no default sound card ({error})") from error
        known = "; ".join(output_devices(portaudio))
        raise OutputError(f"no sound card '{device}'; there are: {known}") from error
    return found


def usable_rate_hz(
    portaudio: Any,
    found: Mapping[str, Any],
    channels: int,
    wanted_hz: float | None,
    preferred_hz: float,
) -> float:
    """The rate ``wanted_hz``, or the preferred one where the device offers it, else its own.

    Raises:
        OutputError: the device does not offer the rate that is wanted.
    """

    def offers(rate_hz: float) -> bool:
        try:
            portaudio.check_output_settings(
                device=found["index"], channels=channels, dtype="float32", samplerate=rate_hz
            )
        except Exception:  # PortAudioError: this rate is not to be had
            return False
        return True

    if wanted_hz is not None and not offers(wanted_hz):
        offered = ", ".join(f"{rate_hz:g}" for rate_hz in COMMON_RATES_HZ if offers(rate_hz))
        raise OutputError(
            f"sound card '{found['name']}' does not offer {wanted_hz:g} Hz; it offers "
            f"{offered or format(found['default_samplerate'], 'g')}"
        )
    if wanted_hz is not None:
        return wanted_hz
    return preferred_hz if offers(preferred_hz) else float(found["default_samplerate"])
