"""The platform's MIDI ports, through RtMidi.

RtMidi's callback is not used: under JACK it would run Python in the real-time thread, which
then waits for the interpreter. Its queue is filled without Python, keeps the time stamps that
mido's ports drop, and is emptied by the one thread that opens and closes ports.

Under JACK, RtMidi 5.0 (python-rtmidi 1.5.8) delivers nothing from a port after an unterminated
system exclusive message, until something there ends in F7 or the port is plugged in again.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from server.midi.ports.backend import (
    CLIENT_NAME,
    InputPort,
    MidiPortError,
    MidiUnavailable,
    OutputPort,
)
from server.midi.ports.jack_watch import JackWatch
from server.midi.ports.names import numbered
from server.system import library_output as native_noise

# CoreMIDI shows a port without its client.
_OWN_INPUT, _OWN_OUTPUT = (
    (CLIENT_NAME, f"{CLIENT_NAME} out") if sys.platform == "darwin" else ("in", "out")
)

ALSA_SEQUENCER = Path("/dev/snd/seq")
"""Where it is missing, MIDI goes through JACK."""


class _Watch(Protocol):
    """Sees which ports exist."""

    @property
    def is_alive(self) -> bool:
        """False once the MIDI system has gone."""

    def names(self, *, inputs: bool) -> list[str]:
        """Return the ports that send to us (``inputs``), or those that receive."""

    def unplugged(self) -> set[str]:
        """Return the ports that have gone since the last call."""

    def is_connected(self, name: str, client: str) -> bool:
        """Return whether a port is connected to a client whose name begins so."""

    def at_rest(self) -> AbstractContextManager[None]:
        """Return a context in which a port may be closed."""

    def close(self) -> None:
        """Stop watching."""


class RtMidiBackend:
    """ALSA, CoreMIDI or Windows; JACK on a Linux without ALSA's sequencer.

    Raises:
        MidiUnavailable: neither exists.
    """

    def __init__(self) -> None:
        self._rtmidi = _load_rtmidi()
        self._api = _chosen_api(self._rtmidi)
        # One client that only watches: a new one per scan would reorder JACK's graph each second.
        self._watch = self._make_watch(f"{CLIENT_NAME}-watch")

    def names(self) -> list[str]:
        """Return the present inputs; a name that comes twice is numbered."""
        return self._others(inputs=True)

    def output_names(self) -> list[str]:
        """Return the present outputs; a name that comes twice is numbered."""
        return self._others(inputs=False)

    def unplugged(self) -> set[str]:
        """Return what was unplugged since the last call and may be back.

        Only JACK reports it; elsewhere replugging takes longer than a scan.
        """
        return self._watch.unplugged()

    def open(self, name: str) -> InputPort:
        """Open one of ``names``."""
        try:
            client = self._input()
            client.open_port(numbered(client.get_ports()).index(name))
        except (ValueError, MidiUnavailable, self._rtmidi.RtMidiError) as error:
            raise MidiPortError(f"cannot open the MIDI port '{name}': {error}") from error
        port = _RtMidiInput(client, self._watch)
        self._require_connected(name, port)
        return port

    def open_output(self, name: str) -> OutputPort:
        """Open one of ``output_names``."""
        try:
            client = self._output()
            client.open_port(numbered(client.get_ports()).index(name))
        except (ValueError, MidiUnavailable, self._rtmidi.RtMidiError) as error:
            raise MidiPortError(f"cannot open the MIDI output '{name}': {error}") from error
        port = _RtMidiOutput(client, self._watch, self._rtmidi.RtMidiError)
        self._require_connected(name, port)
        return port

    def open_own(self) -> InputPort | None:
        """Open the virtual port ``latent-deck:in``; Windows has none."""
        try:
            client = self._input()
            client.open_virtual_port(_OWN_INPUT)
        except (MidiUnavailable, self._rtmidi.RtMidiError):
            return None
        return _RtMidiInput(client, self._watch)

    def open_own_output(self) -> OutputPort | None:
        """Open the virtual port ``latent-deck-out:out``: a JACK client needs a name of its own."""
        try:
            client = self._output()
            client.open_virtual_port(_OWN_OUTPUT)
        except (MidiUnavailable, self._rtmidi.RtMidiError):
            return None
        return _RtMidiOutput(client, self._watch, self._rtmidi.RtMidiError)

    def close(self) -> None:
        """Leave the MIDI system."""
        self._watch.close()

    def _others(self, *, inputs: bool) -> list[str]:
        """Return ports that belong to no instrument: two instruments would play each other."""
        if not self._watch.is_alive:
            raise MidiUnavailable("the JACK server has gone")
        names = numbered(self._watch.names(inputs=inputs))
        return [name for name in names if not name.startswith(CLIENT_NAME)]

    def _require_connected(self, name: str, port: InputPort | OutputPort) -> None:
        if not self._watch.is_connected(name, CLIENT_NAME):
            port.close()
            raise MidiPortError(f"the MIDI port '{name}' is not ready; trying again")

    def _make_watch(self, name: str) -> _Watch:
        if self._api != self._rtmidi.API_UNIX_JACK:
            with native_noise.hidden():
                return _RtMidiWatch(self._input(name), self._output(name))
        try:
            return JackWatch(name)
        except OSError as error:
            raise MidiUnavailable(_remedy(self._rtmidi, self._api, error)) from error

    def _input(self, name: str = CLIENT_NAME) -> Any:
        try:
            client = self._rtmidi.MidiIn(self._api, name=name)
        except self._rtmidi.RtMidiError as error:
            raise MidiUnavailable(_remedy(self._rtmidi, self._api, error)) from error
        client.ignore_types(sysex=True, timing=False, active_sense=True)  # timing is MIDI clock
        return client

    def _output(self, name: str = f"{CLIENT_NAME}-out") -> Any:
        try:
            return self._rtmidi.MidiOut(self._api, name=name)
        except self._rtmidi.RtMidiError as error:
            raise MidiUnavailable(_remedy(self._rtmidi, self._api, error)) from error


class _RtMidiWatch:
    """Two clients of RtMidi that only watch."""

    is_alive = True

    def __init__(self, inputs: Any, outputs: Any) -> None:
        self._inputs, self._outputs = inputs, outputs

    def names(self, *, inputs: bool) -> list[str]:
        """Return the ports that send to us (``inputs``), or those that receive."""
        names: list[str] = (self._inputs if inputs else self._outputs).get_ports()
        return names

    def unplugged(self) -> set[str]:
        """Return nothing: RtMidi does not report it."""
        return set()

    def is_connected(self, name: str, client: str) -> bool:
        """Return True: where a port cannot be connected, opening it fails."""
        return True

    def at_rest(self) -> AbstractContextManager[None]:
        """Return a context that does not wait: here a port may be closed at any time."""
        return nullcontext()

    def close(self) -> None:
        """Delete both clients."""
        self._inputs.delete()
        self._outputs.delete()


class _RtMidiClient:
    """A client of RtMidi with one open port."""

    def __init__(self, client: Any, watch: _Watch) -> None:
        self._client = client
        self._watch = watch

    def close(self) -> None:
        """Close the port and delete its client."""
        with self._watch.at_rest():
            self._client.close_port()
        self._client.delete()


class _RtMidiInput(_RtMidiClient):
    """A client whose port is an input."""

    def messages(self) -> list[Sequence[int]]:
        """Return the bytes of every message since the last call."""
        return [message for message, _ in iter(self._client.get_message, None)]


class _RtMidiOutput(_RtMidiClient):
    """A client whose port is an output."""

    def __init__(self, client: Any, watch: _Watch, error: type[Exception]) -> None:
        super().__init__(client, watch)
        self._error = error

    def send(self, message: Sequence[int]) -> None:
        """Send the bytes of one message; it is lost if the device has gone."""
        try:
            self._client.send_message(message)
        except self._error:
            return


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
    return int(rtmidi.API_LINUX_ALSA if ALSA_SEQUENCER.exists() else rtmidi.API_UNIX_JACK)


def _remedy(rtmidi: ModuleType, api: int, error: Exception) -> str:
    if api == rtmidi.API_UNIX_JACK:
        return f"no {ALSA_SEQUENCER} and no JACK server; start one first for MIDI through JACK"
    return str(error)
