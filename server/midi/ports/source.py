"""Where MIDI comes from and goes. RtMidi is one (``rtmidi_source``), a fake is another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

CLIENT_NAME = "latent-deck"
OWN_NAME = f"{CLIENT_NAME}:in"
"""Of the port of our own, as it is told and mapped on every platform."""


class MidiUnavailable(RuntimeError):
    """This machine has no MIDI to offer, or no more: no library, no server."""


class MidiPortError(ValueError):
    """A MIDI port that is not there or cannot be opened."""


class MidiPort(Protocol):
    """An open input."""

    def messages(self) -> list[Sequence[int]]:
        """The bytes of every message that came since the last call."""

    def close(self) -> None:
        """Let go of it."""


class MidiOutlet(Protocol):
    """An open output."""

    def send(self, message: Sequence[int]) -> None:
        """Send the bytes of one message; lost where nobody is there any more."""

    def close(self) -> None:
        """Let go of it."""


class MidiSource(Protocol):
    """The ports of a machine; used from one thread."""

    def names(self) -> list[str]:
        """Inputs that are there now, each name once, without our own.

        Raises:
            MidiUnavailable: the system that had them has gone; ``close``, and make another.
        """

    def output_names(self) -> list[str]:
        """Outputs that are there now, likewise."""

    def went(self) -> set[str]:
        """What was taken out since this was asked last, as far as the system tells; it may be back,
        and what was opened before then is nothing."""

    def open(self, name: str) -> MidiPort:
        """Open one of ``names``.

        Raises:
            MidiPortError: it has gone, or somebody else holds it.
        """

    def open_output(self, name: str) -> MidiOutlet:
        """Open one of ``output_names``.

        Raises:
            MidiPortError: it has gone, or somebody else holds it.
        """

    def open_own(self) -> MidiPort | None:
        """A port of our own that others connect to; None where the platform has no such thing."""

    def open_own_output(self) -> MidiOutlet | None:
        """Its way back."""

    def close(self) -> None:
        """Let go of the machine; ports are closed before."""
