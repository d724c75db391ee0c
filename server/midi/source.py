"""Where MIDI comes from: the platform's ports, through RtMidi. A fake is another source.

RtMidi's callback is not used: under JACK it would run Python in the real-time thread, which
then waits for the interpreter. Its own queue is filled without Python, keeps the time stamps
that mido's ports drop, and is emptied by the one thread that opens and closes ports.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from server import native_noise

CLIENT_NAME = "latent-deck"
OWN_PORT_NAME = "in"

_ALSA_SEQUENCER = Path("/dev/snd/seq")


class MidiUnavailable(RuntimeError):
    """This machine has no MIDI to offer: no library, no server."""


class MidiPortError(ValueError):
    """A MIDI port that is not there or cannot be opened."""


class MidiPort(Protocol):
    """An open port."""

    def messages(self) -> list[Sequence[int]]:
        """The bytes of every message that came since the last call."""

    def close(self) -> None:
        """Let go of it."""


class MidiSource(Protocol):
    """The ports of a machine; used from one thread."""

    def names(self) -> list[str]:
        """Inputs that are there now, each name once."""

    def open(self, name: str) -> MidiPort:
        """Open one of ``names``.

        Raises:
            MidiPortError: it has gone, or somebody else holds it.
        """

    def open_own(self) -> MidiPort | None:
        """A port of our own that others connect to; None where the platform has no such thing."""

    def close(self) -> None:
        """Let go of the machine; ports are closed before."""


class RtMidiSource:
    """ALSA, CoreMIDI or Windows; JACK on a Linux without ALSA's sequencer.

    Raises:
        MidiUnavailable: neither is there.
    """

    def __init__(self) -> None:
        self._rtmidi = _load_rtmidi()
        self._api = _chosen_api(self._rtmidi)
        # One client that only looks: making one per look would reorder JACK's graph each second.
        with native_noise.hidden():
            self._watch = self._client(f"{CLIENT_NAME}-watch")

    def names(self) -> list[str]:
        """Inputs that are there now; a name that comes twice is numbered."""
        return numbered(self._watch.get_ports())

    def open(self, name: str) -> MidiPort:
        """Open one of ``names``."""
        try:
            client = self._client(CLIENT_NAME)
            client.open_port(numbered(client.get_ports()).index(name))
        except (ValueError, MidiUnavailable, self._rtmidi.RtMidiError) as error:
            raise MidiPortError(f"cannot open the MIDI port '{name}': {error}") from error
        return _RtMidiPort(client)

    def open_own(self) -> MidiPort | None:
        """The port ``latent-deck:in``; Windows has none."""
        try:
            client = self._client(CLIENT_NAME)
            client.open_virtual_port(OWN_PORT_NAME)
        except (MidiUnavailable, self._rtmidi.RtMidiError):
            return None
        return _RtMidiPort(client)

    def close(self) -> None:
        """Let go of the machine."""
        self._watch.delete()

    def _client(self, name: str) -> Any:
        try:
            client = self._rtmidi.MidiIn(self._api, name=name)
        except self._rtmidi.RtMidiError as error:
            raise MidiUnavailable(_remedy(self._rtmidi, self._api, error)) from error
        client.ignore_types(sysex=True, timing=False, active_sense=True)  # timing is MIDI clock
        return client


class _RtMidiPort:
    """A client of RtMidi with one open port."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def messages(self) -> list[Sequence[int]]:
        """The bytes of every message that came since the last call."""
        return [message for message, _ in iter(self._client.get_message, None)]

    def close(self) -> None:
        """Let go of the port and its client."""
        self._client.close_port()
        self._client.delete()


def numbered(names: Sequence[str]) -> list[str]:
    """Names with a number behind the second and later of the same.

    >>> numbered(["Knobs", "Pads", "Knobs"])
    ['Knobs', 'Pads', 'Knobs (2)']
    """
    counts = [names[: index + 1].count(name) for index, name in enumerate(names)]
    return [
        name if count == 1 else f"{name} ({count})"
        for name, count in zip(names, counts, strict=True)
    ]


def _load_rtmidi() -> ModuleType:
    try:
        import rtmidi
    except ImportError as error:
        raise MidiUnavailable(
            f"the MIDI library does not load ({error}); on Debian: apt-get install libportaudio2"
        ) from error
    loaded: ModuleType = rtmidi
    return loaded


def _chosen_api(rtmidi: ModuleType) -> int:
    if sys.platform != "linux":
        return int(rtmidi.API_UNSPECIFIED)
    return int(rtmidi.API_LINUX_ALSA if _ALSA_SEQUENCER.exists() else rtmidi.API_UNIX_JACK)


def _remedy(rtmidi: ModuleType, api: int, error: Exception) -> str:
    if api == rtmidi.API_UNIX_JACK:
        return f"no {_ALSA_SEQUENCER} and no JACK server; start one first for MIDI through JACK"
    return str(error)
