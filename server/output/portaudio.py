"""PortAudio's devices: listing, finding by name, and checking rates.

PortAudio is loaded on demand, because loading it searches for devices.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from server.output.protocol import NoSoundCard, OutputError

COMMON_RATES_HZ = (22_050, 32_000, 44_100, 48_000, 88_200, 96_000, 192_000)

_INSTALL = "apt-get install libportaudio2"


def load_portaudio() -> Any:
    """Import the ``sounddevice`` module.

    Raises:
        NoSoundCard: the system's PortAudio library is missing.
    """
    try:
        import sounddevice
    except OSError as error:
        raise NoSoundCard(f"PortAudio is missing; on Debian or Ubuntu: {_INSTALL}") from error
    return sounddevice


def output_devices(portaudio: Any) -> list[str]:
    """Return one line for each output device: number, name, API, channels, rate."""
    return _devices(portaudio, "max_output_channels")


def input_devices(portaudio: Any) -> list[str]:
    """Return one line for each input device: number, name, API, channels, rate."""
    return _devices(portaudio, "max_input_channels")


def _devices(portaudio: Any, channels: str) -> list[str]:
    apis = portaudio.query_hostapis()
    return [
        f"{index} {device['name']} ({apis[device['hostapi']]['name']}, "
        f"{device[channels]} channels, {device['default_samplerate']:g} Hz)"
        for index, device in enumerate(portaudio.query_devices())
        if device[channels] > 0
    ]


def device_id(device: str) -> str | int:
    """Return a device's number or name in the form ``sounddevice`` takes."""
    return int(device) if device.isdigit() else device


def find_output(portaudio: Any, device: str | None) -> Mapping[str, Any]:
    """Return PortAudio's description of the device asked for, or of the default one.

    Raises:
        NoSoundCard: there is no device at all.
        OutputError: no device, or more than one, is called ``device``.
    """
    if not output_devices(portaudio):
        raise NoSoundCard("PortAudio finds no sound card")
    asked = None if device is None else device_id(device)
    try:
        found: Mapping[str, Any] = portaudio.query_devices(asked, "output")
    except Exception as error:  # ValueError, PortAudioError
        if device is None:
            raise NoSoundCard(f"there is no default sound card ({error})") from error
        known = "; ".join(output_devices(portaudio))
        raise OutputError(f"no sound card '{device}'; available: {known}") from error
    return found


def usable_rate_hz(
    portaudio: Any,
    found: Mapping[str, Any],
    channels: int,
    asked_hz: float | None,
    preferred_hz: float,
) -> float:
    """Return ``asked_hz``, if given, else the preferred rate, else the device's default.

    Raises:
        OutputError: the device does not offer ``asked_hz``.
    """

    def offers(rate_hz: float) -> bool:
        try:
            portaudio.check_output_settings(
                device=found["index"], channels=channels, dtype="float32", samplerate=rate_hz
            )
        except Exception:  # PortAudioError: not this rate
            return False
        return True

    if asked_hz is not None and not offers(asked_hz):
        offered = ", ".join(f"{rate_hz:g}" for rate_hz in COMMON_RATES_HZ if offers(rate_hz))
        raise OutputError(
            f"sound card '{found['name']}' does not offer {asked_hz:g} Hz; it offers "
            f"{offered or format(found['default_samplerate'], 'g')}"
        )
    if asked_hz is not None:
        return asked_hz
    return preferred_hz if offers(preferred_hz) else float(found["default_samplerate"])
