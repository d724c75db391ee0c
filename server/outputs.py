"""Where the sound goes, live: what a sound card, the null output and a fake have in common."""

from __future__ import annotations

from typing import Protocol

from server.ring import Ring


class OutputError(RuntimeError):
    """An output that cannot be used as asked: no such device, a file that cannot be written."""


class NoSoundCard(OutputError):
    """This machine has no sound card or no PortAudio; the null output stands in for it."""


class Output(Protocol):
    """Takes samples from a ring in its own time."""

    @property
    def name(self) -> str:
        """What it is, for the user."""

    @property
    def sample_rate_hz(self) -> float:
        """The rate at which it takes samples."""

    @property
    def latency_s(self) -> float:
        """From taking a sample to hearing it."""

    @property
    def underruns(self) -> int:
        """How often there was less in the ring than it needed."""

    @property
    def device_xruns(self) -> int:
        """How often the device told of a dropout of its own, whoever's fault."""

    def start(self, ring: Ring) -> None:
        """Begin to take samples.

        Raises:
            OutputError: the device does not start.
        """

    def stop(self) -> None:
        """End; may be called twice."""
