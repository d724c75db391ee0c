"""The protocol of a MIDI library: RtMidi implements it (``rtmidi_backend``), and so does a fake."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

CLIENT_NAME = "latent-deck"
OWN_NAME = f"{CLIENT_NAME}:in"
"""Name of the virtual input that other programs connect to, the same on every platform."""


class MidiUnavailable(RuntimeError):
    """This machine has no MIDI, or no more: no library, no server."""


class MidiPortError(ValueError):
    """A MIDI port that does not exist or cannot be opened."""


class InputPort(Protocol):
    """An open input."""

    def messages(self) -> list[Sequence[int]]:
        """Return the bytes of every message since the last call."""

    def close(self) -> None:
        """Close the port."""


class OutputPort(Protocol):
    """An open output."""

    def send(self, message: Sequence[int]) -> None:
        """Send the bytes of one message; it is lost if the device has gone."""

    def close(self) -> None:
        """Close the port."""


class MidiBackend(Protocol):
    """The ports of a machine; used from one thread."""

    def names(self) -> list[str]:
        """Return the present inputs, each name once, without the program's own.

        Raises:
            MidiUnavailable: the MIDI system has gone; ``close``, and make another backend.
        """

    def output_names(self) -> list[str]:
        """Return the present outputs, likewise."""

    def unplugged(self) -> set[str]:
        """Return the ports that were unplugged since the last call, as far as the system reports.

        Some may be back; what was opened before is dead.
        """

    def open(self, name: str) -> InputPort:
        """Open one of ``names``.

        Raises:
            MidiPortError: it has gone, or another program holds it.
        """

    def open_output(self, name: str) -> OutputPort:
        """Open one of ``output_names``.

        Raises:
            MidiPortError: it has gone, or another program holds it.
        """

    def open_own(self) -> InputPort | None:
        """Open a virtual input that others connect to; None if the platform has no such thing."""

    def open_own_output(self) -> OutputPort | None:
        """Open the virtual output that belongs to it, likewise."""

    def close(self) -> None:
        """Leave the MIDI system; its ports are closed before."""
