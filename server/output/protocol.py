"""Where the sound goes, live: what a sound card, the null output and a fake have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # the sound card's process needs the errors, and no numpy
    from server.output.ring import Ring


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
    def channels(self) -> int:
        """How many channels its ring has."""

    @property
    def latency_s(self) -> float:
        """From taking a sample to hearing it."""

    def new_ring(self, capacity_samples: int) -> Ring:
        """A ring that it can take samples from."""

    def start(self, ring: Ring) -> None:
        """Begin to take samples.

        Raises:
            OutputError: the device does not start.
        """

    def is_lost(self) -> bool:
        """Whether it takes no samples any more; ask several times a second."""

    def stop(self) -> None:
        """End; may be called twice."""
